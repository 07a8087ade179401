import { describe, expect, it } from '@jest/globals'
import { chatTable, connect, memoryApps, namesIn, publish, rpc } from '../../test/apps.js'
import { decodeToApp, encodeBeat, encodeFromApp } from '../app-wire.js'
import { hashOf } from '../apps-record.js'
import type { HookRequest } from '../hooks.js'

type Mesh = ReturnType<typeof memoryApps>

/** An instance that beats and describes itself as any other, and answers every hook with these bytes. */
function strangeInstance({ broker: open, mesh }: Mesh, name: string, answer: string): HookRequest[] {
  const broker = open()
  const asked: HookRequest[] = []
  const hash = hashOf(chatTable)
  broker.bus.subscribe(mesh.subjects.toApp(name), (message) => {
    const told = decodeToApp(message.body)
    if (told.kind === 'describe')
      message.respond(encodeFromApp({ kind: 'table', app: 'chat', hash, table: chatTable }))
    if (told.kind !== 'hook') return
    asked.push(told.request)
    message.respond(Buffer.from(answer))
  })
  const beat = {
    kind: 'beat',
    app: 'chat',
    instance: name,
    life: 'l',
    hash,
    pending: 0,
    isDraining: false,
  } as const
  broker.bus.publish(mesh.subjects.appBeat, encodeBeat(beat))
  return asked
}

describe('a question', () => {
  it('that is answered is asked of nobody else later: the hook would run twice (Q1)', async () => {
    const mesh = memoryApps()
    const apps = [await mesh.app('a'), await mesh.app('b')]
    const { hooks } = await mesh.gateway()
    await hooks.ask(connect)
    await hooks.ask(rpc('list'))
    await mesh.clock.advanceAsync(10_000)
    expect(apps.flatMap(({ asked }) => asked)).toHaveLength(2)
  })

  it('answered with garbage is asked of nobody else: whoever answered may have done it (Q3)', async () => {
    const mesh = memoryApps()
    const { hooks } = await mesh.gateway()
    const asked = strangeInstance(mesh, 'a', 'garbage') // the first, and ties go to that
    await mesh.clock.advanceAsync(0)
    const sound = await mesh.app('b')
    await mesh.clock.advanceAsync(0)
    await expect(hooks.ask(publish())).rejects.toMatchObject({ code: 100, temporary: true })
    expect([asked.length, sound.asked.length]).toEqual([1, 0])
  })

  it.each([
    '{"kind":"reply","reply":{"decision":true}}',
    '{"kind":"reply","reply":{"decision":null}}',
    '{"kind":"reply","reply":{}}',
    '{"kind":"reply","reply":{"error":{"message":"no"}}}',
    '{"kind":"reply","reply":{"error":{"code":"103"}}}',
    '{"kind":"reply"}',
    '{"kind":"told","isHeard":true}',
    '{"kind":"alive","overdue":0}',
    '{"kind":"table","app":"chat","hash":"x","table":{}}',
    '[]',
    'null',
    '',
  ])(
    'answered with %j is no yes: what is neither decision nor refusal is 100, and told as broken (H1, H3)',
    async (answer) => {
      const mesh = memoryApps()
      await (await mesh.app('claims')).app.stop()
      const { hooks, seen } = await mesh.gateway()
      const asked = strangeInstance(mesh, 'a', answer)
      await mesh.clock.advanceAsync(0)
      await expect(hooks.ask(publish())).rejects.toMatchObject({
        name: 'ClientError',
        code: 100,
        temporary: true,
      })
      expect(asked).toHaveLength(1)
      expect(namesIn(seen, 'hook:answer')).toMatchObject([{ outcome: 'failed' }])
    },
  )
})
