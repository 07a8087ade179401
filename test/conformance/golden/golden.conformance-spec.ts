/**
 * Messages as SDKs write them that have no program of ours, from reading their sources: a file for each SDK says which ones, at which
 * commit. They are sent byte for byte; what comes back is read by the JavaScript SDK's own Protobuf, which is no code of ours.
 *
 * O1. Bytes are changed in one place only: an epoch is random, so eight letters stand for it.
 * O2. Its offset is known: the first publication of a fresh mesh is number 1.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { leakCheck } from '@natter/testing'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { protobufDialect } from '../../../apps/gateway/test/dialect.js'
import {
  RawClient,
  startMemoryNode,
  type Incoming,
  type TestNode,
} from '../../../apps/gateway/test/harness.js'

/** The tokens in the files are signed with it: both are of the user `ana`, one expires in 2100. */
const secret = 'a secret of the golden frames'
const channel = 'room:golden'
const personal = 'room:#ana'
const epochLetters = 'EPOCHHHH'

interface Message {
  /** The methods of its commands. */
  readonly sends: readonly string[]
  readonly hex: string
}

interface Golden {
  readonly sdk: string
  readonly repository: string
  /** Where its bytes were read from. */
  readonly read: readonly { readonly file: string; readonly commit: string }[]
  readonly subprotocol: string
  readonly pong: string
  /** Of a first connection, and of the one after it was lost. */
  readonly first: readonly Message[]
  readonly again: readonly Message[]
  /** Of a connection that asks for a filter or for patches, where the SDK can. */
  readonly features?: readonly Message[]
}

const golden = (name: string): Golden =>
  JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8')) as Golden

const sdks = ['java', 'csharp', 'dart', 'swift'].map((name) => golden(name))

describe.each(sdks)('what the $sdk SDK sends', ({ subprotocol, pong, first, again, features = [], read }) => {
  const open: RawClient[] = []
  let mesh: MemoryMesh
  let node: TestNode
  let expectNoLeaks: ReturnType<typeof leakCheck>

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    mesh = new MemoryMesh()
    node = await startMemoryNode(mesh, {
      secret,
      client: { personalChannel: { namespace: 'room' }, pingIntervalMs: 600, pongTimeoutMs: 550 },
    })
  })
  afterEach(async () => {
    for (const client of open.splice(0)) client.end()
    await node.stop()
    await expectNoLeaks()
  })

  /** It answers pings as the SDK does. */
  const connection = async (): Promise<RawClient> => {
    const client = await RawClient.open(node.url, { dialect: protobufDialect, protocol: subprotocol })
    open.push(client)
    client.socket.on('message', (data: Buffer) => {
      if (data.equals(Buffer.from([0]))) client.socket.send(Buffer.from(pong, 'hex'))
    })
    return client
  }

  const send = ({ socket }: RawClient, { hex }: Message, epoch = epochLetters): void => {
    const letters = Buffer.from(epochLetters)
    const bytes = Buffer.from(hex, 'hex')
    for (let at = bytes.indexOf(letters); at >= 0; at = bytes.indexOf(letters)) bytes.write(epoch, at) // O1
    socket.send(bytes)
  }

  const answersOf = (client: RawClient, method: string): Incoming[] =>
    client.received.filter((one) => one[method] !== undefined && one['id'] !== undefined)

  const answer = (client: RawClient, method: string, nth = 1): Promise<Incoming> =>
    client.until(
      () => answersOf(client, method)[nth - 1]?.[method] as Incoming | undefined,
      `${nth}. ${method}`,
    )

  /** Of all answers, in the order in which they came. */
  const ids = ({ received }: RawClient): number[] =>
    received.flatMap((one) => (one['id'] === undefined ? [] : [one['id'] as number]))

  /** A first connection to its end: where the channel stood when it was subscribed, and its client. */
  const talk = async (): Promise<{ client: RawClient; epoch: string }> => {
    const client = await connection()
    let epoch = epochLetters
    let asked = 0
    for (const message of first) {
      send(client, message, epoch)
      asked += message.sends.length
      await client.until(() => ids(client).length === asked, message.sends.join(' '))
      if (message.sends.includes('subscribe')) epoch = (await answer(client, 'subscribe'))['epoch'] as string
    }
    return { client, epoch }
  }

  it('[1.1] asks for Protobuf by the subprotocol, and hears it back', async () => {
    expect((await connection()).socket.protocol).toBe('centrifuge-protobuf')
    expect(read.every(({ commit }) => /^[0-9a-f]{40}$/.test(commit))).toBe(true)
  })

  it('[2.7] [18.2] is answered, command by command, with its result even where that is empty', async () => {
    const { client, epoch } = await talk()
    expect(await answer(client, 'connect')).toMatchObject({
      client: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ping: 1,
      pong: true,
      subs: { [personal]: { recoverable: true, positioned: true, epoch: expect.any(String) } },
    })
    expect(await answer(client, 'subscribe')).toEqual({ recoverable: true, positioned: true, epoch })
    expect(await answer(client, 'publish')).toEqual({})
    expect(await answer(client, 'unsubscribe')).toEqual({})
    const [heard] = client.publications(channel)
    expect(heard).toMatchObject({ data: { n: 1 }, offset: 1, info: { user: 'ana' } }) // O2
    expect(Object.values((await answer(client, 'presence'))['presence'])).toMatchObject([{ user: 'ana' }])
    expect(await answer(client, 'presence_stats')).toEqual({ num_clients: 1, num_users: 1 })
    expect(await answer(client, 'history', 1)).toEqual({ publications: [], epoch, offset: 1 })
    expect(await answer(client, 'history', 2)).toMatchObject({
      publications: [{ data: { n: 1 }, offset: 1 }],
    })
    expect(await answer(client, 'history', 3)).toMatchObject({
      publications: [{ data: { n: 1 } }],
      offset: 1,
    })
    expect(await answer(client, 'refresh')).toMatchObject({ expires: true, ttl: expect.any(Number) })
    // rpc without apps, sub_refresh where subscriptions have no tokens
    expect(answersOf(client, 'error').map((one) => one['error'].code as number)).toEqual([108, 108])
    expect(ids(client).toSorted((a, b) => a - b)).toEqual(ids(client).map((_, at) => at + 1))
  })

  it('[7.5] [11.3] comes back with what was missed, in both kinds of subscriptions', async () => {
    const { client: gone, epoch } = await talk()
    gone.end()
    const writer = await RawClient.connect(node.url)
    open.push(writer)
    for (const n of [2, 3]) await writer.call('publish', { channel, data: { n } })
    await writer.call('publish', { channel: personal, data: { n: 4 } })
    const client = await connection()
    for (const message of again.slice(0, 2)) send(client, message, epoch)
    const { subs } = await answer(client, 'connect')
    const recovered = { was_recovering: true, recovered: true }
    expect(subs[personal]).toMatchObject({ ...recovered, publications: [{ data: { n: 4 } }] })
    expect(await answer(client, 'subscribe')).toMatchObject({
      ...recovered,
      publications: [{ data: { n: 2 } }, { data: { n: 3 } }],
    })
  })

  it('[7.5] with a position of another incarnation it is told that nothing is recovered', async () => {
    await talk()
    const client = await connection()
    for (const message of again.slice(0, 2)) send(client, message, 'somewhen')
    expect(await answer(client, 'subscribe')).toMatchObject({
      was_recovering: true,
      epoch: expect.any(String),
    })
    expect(await answer(client, 'subscribe')).not.toHaveProperty('recovered')
  })

  it('[5.2] answers a ping so that it stays', async () => {
    const { client } = await talk()
    const pings = (): number => client.received.filter((one) => Object.keys(one).length === 0).length
    await client.until(() => pings() === 2, 'a second ping')
    expect(client.closed).toBeUndefined()
  })

  /** What an app publishes, because clients have no tags: of each publication its tags and its data. */
  const publish = async (to: string, ...all: readonly (readonly [Record<string, string>, unknown])[]) => {
    const broker = new MemoryBroker(mesh)
    const api = new ApiClient({ broker })
    api.start()
    for (const [tags, data] of all) await api.publish(to, Buffer.from(JSON.stringify(data)), { tags })
    api.stop()
    await broker.close()
  }

  const askFor = async (): Promise<RawClient> => {
    const client = await connection()
    for (const message of features) send(client, message)
    const asked = features.flatMap(({ sends }) => sends).length
    await client.until(() => ids(client).length === asked, 'all answers')
    return client
  }

  const asks = features.map(({ hex }) => Buffer.from(hex, 'hex').toString('latin1')).join('')
  if (asks.includes('ticker:filtered'))
    it('[14.3] with a filter it gets what matches alone', async () => {
      const client = await askFor()
      await publish(
        'ticker:filtered',
        [{ colour: 'green', price: '99' }, 0],
        [{ colour: 'red', size: '2', price: '99' }, 1],
        [{ colour: 'red', price: '10.49' }, 2],
        [{ colour: 'blue', price: '10.5' }, 3],
      )
      await client.until(() => client.publications('ticker:filtered').length > 0, 'one that matches')
      expect(client.publications('ticker:filtered')).toMatchObject([{ data: 3, tags: { colour: 'blue' } }])
    })
  if (asks.includes('ticker:patched'))
    it('[8.1] [8.4] with `delta` it is told that patches come, and gets one after the first', async () => {
      const client = await askFor()
      expect(answersOf(client, 'subscribe').at(-1)?.['subscribe']).toMatchObject({ delta: true })
      const long = (n: number): unknown => ({ n, text: 'the same in both'.repeat(20) })
      const writer = await RawClient.connect(node.url)
      open.push(writer)
      for (const n of [1, 2]) await writer.call('publish', { channel: 'ticker:patched', data: long(n) })
      const [whole, patch] = await client.until(() => {
        const both = client.publications('ticker:patched')
        return both.length === 2 && both
      }, 'both')
      expect(whole).toMatchObject({ data: long(1) })
      expect(whole).not.toHaveProperty('delta')
      expect(patch).toMatchObject({ delta: true, data: expect.stringMatching(/^[\w~]+\n.*;$/s) })
    })

  const sending = again.slice(2)
  if (sending.length > 0)
    it('[9.12] a message that nobody here takes ends it with 3508', async () => {
      const client = await connection()
      for (const message of [...first.slice(0, 1), ...sending]) send(client, message)
      expect((await client.close()).code).toBe(3508)
    })
})
