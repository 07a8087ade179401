import { afterEach, describe, expect, it } from '@jest/globals'
import { Refused, TestMesh } from '@natter/nest/testing'
import { MessengerModule } from '../messenger.module.js'
import { DIRECTORY, type ListedRoom } from './room-directory.js'

const messenger = {
  imports: [
    MessengerModule.forRoot({ gateways: [], tokenSecret: 'for tests', nats: { url: 'nats://unused' } }),
  ],
}

const open: TestMesh[] = []
afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close()
})

async function meshOf(): Promise<TestMesh> {
  const mesh = TestMesh.open({ logger: false })
  open.push(mesh)
  await mesh.join(messenger)
  return mesh
}

const ana = { user: 'ana', info: { name: 'Ana' } }
const refusal = async (attempt: Promise<unknown>): Promise<Refused> => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Refused)
  return error as Refused
}

describe('a room', () => {
  it('stores the text that was written, under the name that was signed, at the time of the server', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    const before = Date.now()
    await page.publish('room:general', { id: 'a', text: '  hello\nthere ' })
    const { data } = await page.next<{ at: number }>('room:general')
    expect(data).toEqual({ id: 'a', text: 'hello\nthere', name: 'Ana', at: expect.any(Number) })
    expect(data.at).toBeGreaterThanOrEqual(before)
  })

  it.each([
    ['nothing', '', 'There is nothing to read in this message.'],
    ['what nobody can see', ' \u200B\u202E ', 'There is nothing to read in this message.'],
    ['too much', 'x'.repeat(2_001), 'A message has at most 2,000 characters, and this one has 2,001.'],
  ])('refuses %s with a sentence that its writer can be shown as it is', async (_, text, sentence) => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    expect(await refusal(page.publish('room:general', { id: 'a', text }))).toMatchObject({
      code: 107,
      message: sentence,
    })
    expect(mesh.published('room:general')).toEqual([])
  })

  it('takes 2,000 characters as people count them', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    await page.publish('room:general', { id: 'a', text: '🙂'.repeat(2_000) })
    expect(mesh.published('room:general')).toHaveLength(1)
  })

  it('takes id and text and nothing else, so that nobody writes under another name', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    for (const data of [{ id: 'a', text: 'x', name: 'Ben' }, { text: 'x' }, { id: '', text: 'x' }, 'x', 7])
      expect((await refusal(page.publish('room:general', data))).code).toBe(107)
    expect(mesh.published('room:general')).toEqual([])
  })

  it('is open to members, and its private namesake is not', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    expect((await refusal(page.subscribe('$room:general'))).code).toBe(103)
  })

  it('has a name that the page could have made, or cannot be entered', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    for (const name of ['a b', 'Ana', 'x'.repeat(41), 'a:b'])
      expect(await refusal(page.subscribe(`room:${name}`))).toMatchObject({ code: 1400 })
    await page.subscribe(`room:${'x'.repeat(40)}`)
  })

  it('is closed to those who have said no name', async () => {
    const mesh = await meshOf()
    const nobody = await mesh.connect({ user: '' })
    expect((await refusal(nobody.subscribe('room:general'))).code).toBe(103)
    expect((await refusal(nobody.publish('room:general', { id: 'a', text: 'x' }))).code).toBe(103)
    expect((await refusal(nobody.rpc('rooms.list'))).code).toBe(103)
  })
})

describe('the bot', () => {
  it.each(['/help', ' /HELP ', '/help me'])(
    'answers %j to the one who asked, and stores nothing',
    async (text) => {
      const mesh = await meshOf()
      const [page, other] = [await mesh.connect(ana), await mesh.connect({ user: 'ben' })]
      await page.subscribe('room:general')
      await other.subscribe('room:general')
      const answer = await refusal(page.publish('room:general', { id: 'a', text }))
      expect(answer).toMatchObject({ code: 1200, temporary: false })
      expect(answer.message).toContain('/help')
      expect(mesh.published('room:general')).toEqual([])
    },
  )

  it('says to an unknown command which one it knows', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    const refused = await refusal(page.publish('room:general', { id: 'a', text: '/dance now' }))
    expect(refused).toMatchObject({
      code: 1404,
      message: 'There is no command /dance. Write /help for those there are.',
    })
  })

  it.each(['/usr/bin is full', '/ 2', 'see /help', '//help'])('leaves %j to the room', async (text) => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:general')
    await page.publish('room:general', { id: 'a', text })
    expect(mesh.published('room:general')).toMatchObject([{ data: { text } }])
  })
})

describe('rooms.list', () => {
  const names = (rooms: ListedRoom[]): string[] => rooms.map(({ name }) => name)

  it('begins with the starters, and counts people, not pages', async () => {
    const mesh = await meshOf()
    const pages = [await mesh.connect(ana), await mesh.connect(ana), await mesh.connect({ user: 'ben' })]
    for (const page of pages) await page.subscribe('room:random')
    expect(await pages[0]?.rpc<ListedRoom[]>('rooms.list')).toEqual([
      { name: 'general', people: 0 },
      { name: 'random', people: 2 },
      { name: 'help', people: 0 },
    ])
  })

  it('names a room that somebody entered, on an instance that was never asked, also one that starts later', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    await page.subscribe('room:attic')
    await mesh.app.close()
    await mesh.join(messenger)
    expect(names(await page.rpc('rooms.list'))).toEqual(['general', 'random', 'help', 'attic'])
  })

  it('writes a room down once, not for each who enters', async () => {
    const mesh = await meshOf()
    for (const user of ['ana', 'ben', 'cleo']) {
      await (await mesh.connect({ user })).subscribe('room:attic')
      await mesh.advance('5m') // a repeat would be stored again
    }
    expect(mesh.published(DIRECTORY)).toHaveLength(1)
  })

  it('cannot be read or written by clients behind the app’s back', async () => {
    const mesh = await meshOf()
    const page = await mesh.connect(ana)
    expect((await refusal(page.subscribe(DIRECTORY))).code).toBe(103)
    expect((await refusal(page.publish(DIRECTORY, { room: 'x' }))).code).toBe(103)
  })
})
