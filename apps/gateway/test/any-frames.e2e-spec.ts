import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MemoryMesh } from '@natter/broker'
import { Disconnects } from '@natter/protocol'
import { MemoryClient, MemorySocketServer } from '@natter/transport'
import fc from 'fast-check'
import type { Connection } from '../src/connection/connection.js'
import { startMemoryNode, type TestNode } from './harness.js'

type Json = Record<string, unknown>

const channel = fc.constantFrom(
  'room:a',
  'room:b',
  'plain',
  'joins:a',
  'closed:a',
  'nowhere:a',
  '$room:a',
  '',
)
const known = new Set([1000, 1006, 1009, ...Object.values(Disconnects).map(({ code }) => code)])

/** Commands as SDKs send them. */
const command: fc.Arbitrary<Json> = fc.oneof(
  channel.map((name) => ({ subscribe: { channel: name, recover: true, epoch: '', offset: 0 } })),
  channel.map((name) => ({ subscribe: { channel: name, join_leave: true, flag: 3 } })),
  channel.map((name) => ({ unsubscribe: { channel: name } })),
  fc.record({ channel, data: fc.jsonValue() }).map((request) => ({ publish: request })),
  channel.map((name) => ({ presence: { channel: name } })),
  channel.map((name) => ({ presence_stats: { channel: name } })),
  fc
    .record({ channel, limit: fc.integer(), reverse: fc.boolean() })
    .map((request) => ({ history: { ...request, since: { offset: 1, epoch: '' } } })),
  fc.constant({ rpc: { method: 'x', data: {} } }),
)

/** One of its fields, at any depth, is something else, or gone. */
const mutated = fc
  .tuple(command, fc.nat(), fc.option(fc.jsonValue({ maxDepth: 3 })))
  .map(([base, at, value]) => {
    const copy = structuredClone(base)
    const places: [Json, string][] = []
    const walk = (object: Json): void => {
      for (const [key, inner] of Object.entries(object)) {
        places.push([object, key])
        if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) walk(inner as Json)
      }
    }
    walk(copy)
    const [object, key] = places[at % places.length] ?? [copy, 'rpc']
    if (value === null) delete object[key]
    else object[key] = value
    return copy
  })

const strange = fc.constantFrom<Json>(
  {},
  { connect: {} },
  { send: {} },
  { refresh: { token: 'x' } },
  { ping: {} },
)

/** What is sent in one message: text of commands whose ids are filled in later, or anything. */
const message = fc.oneof(
  { weight: 12, arbitrary: fc.array(command, { minLength: 1, maxLength: 4 }) },
  { weight: 4, arbitrary: fc.array(fc.oneof(command, mutated), { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(strange, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(60), fc.nat(255)) }, // a valid command with one byte changed
)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('any frames', () => {
  let node: TestNode
  let server: MemorySocketServer<Connection>
  const bugs: unknown[] = []

  beforeAll(async () => {
    node = await startMemoryNode(new MemoryMesh(), {
      createServer: (handlers) =>
        (server = new MemorySocketServer<Connection>({ host: 'memory', port: 0 }, handlers)),
    })
    node.gateway.events.on('command:error', ({ cause }) => {
      if (cause !== undefined) bugs.push(cause)
    })
  })

  afterAll(() => node.stop())

  const open = (): MemoryClient => {
    const client = server.connect()
    if (!(client instanceof MemoryClient)) throw new Error('refused')
    return client
  }

  /** Sends all, and resolves when each command has its answer or the connection has ended. */
  async function run(messages: readonly (readonly Json[] | string | Uint8Array | [number, number])[]) {
    const client = open()
    const seen: { close?: { code: number } } = {}
    void client.closedWith.then((ended) => (seen.close = ended))
    const ids: number[] = [1]
    client.send('{"id":1,"connect":{}}')
    const withId = (fields: Json): string => {
      ids.push(ids.length + 1)
      return JSON.stringify({ id: ids.length, ...fields })
    }
    for (const one of messages) {
      if (typeof one === 'string' || one instanceof Uint8Array) client.send(one)
      else if (typeof one[0] === 'number') {
        const bytes = Buffer.from(withId({ publish: { channel: 'room:a', data: { text: 'a' } } }))
        bytes[one[0] % bytes.length] = Number(one[1])
        client.send(bytes.toString('latin1'))
      } else client.send((one as readonly Json[]).map((fields) => withId(fields)).join('\n'))
    }
    const answered = (): number[] =>
      client.messages
        .flatMap((frame) => String(frame).split('\n'))
        .map((line) => (JSON.parse(line) as { id?: number }).id ?? 0)
        .filter((id) => id > 0)
    const deadline = Date.now() + 6_000
    while (seen.close === undefined && answered().length < ids.length && Date.now() < deadline) await turn()
    const result = { close: seen.close, ids, answered: answered() }
    client.close()
    while (node.gateway.connectionCount > 0 && Date.now() < deadline) await turn()
    return result
  }

  it('end in an answer to each command or in a documented close, and leave nothing behind', async () => {
    let [closes, answers] = [0, 0]
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 6 }), async (messages) => {
        const { close, ids, answered } = await run(messages)
        expect(bugs).toEqual([])
        if (close === undefined) {
          answers += 1
          expect(answered.toSorted((a, b) => a - b)).toEqual(ids)
        } else {
          closes += 1
          expect(known).toContain(close.code)
        }
        const { hub } = node.gateway
        expect([node.gateway.connectionCount, hub.connectionCount, hub.subscriptionCount]).toEqual([0, 0, 0])
        expect(hub.channelCount).toBe(0)
      }),
      {
        numRuns: 250,
        ...(process.env['FC_SEED'] === undefined ? {} : { seed: Number(process.env['FC_SEED']) }),
      },
    )
    expect(Math.min(closes, answers)).toBeGreaterThan(20) // both kinds of ends were seen
  }, 60_000)
})
