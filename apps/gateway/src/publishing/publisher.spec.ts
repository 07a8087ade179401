import { describe, expect, it, jest } from '@jest/globals'
import { namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { decodeMeta, encodeMeta, MemoryBroker, MemoryMesh } from '@natter/broker'
import { TypedEvents, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import type { ClientInfo } from '@natter/protocol'
import { z } from 'zod'
import type { GatewayEvents } from '../gateway.events.js'
import { Publisher, type AppendWitness, type Room } from './publisher.js'

const schema = namespaceSchema({ duration: z.number() })
const durable = resolveNamespace('chat', schema.parse({ keep: 'stream', message_id: '/id' }))
const ephemeral = resolveNamespace('typing', schema.parse({ keep: 'none' }))
const ana = { user: 'ana', client: 'c1' }
const ben = { user: 'ben', client: 'c2' }
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

const nobody: AppendWitness = { stored: () => {}, unknown: () => {} }
const roomy: Room = { isRefusing: () => false, refused: () => {} }

function start(room = roomy, witness = nobody) {
  const mesh = new MemoryMesh()
  const broker = new MemoryBroker(mesh)
  const events = new TypedEvents<GatewayEvents>()
  const outcomes: string[] = []
  events.on('publication:outcome', ({ namespace, outcome }) => outcomes.push(`${namespace} ${outcome}`))
  const reasons: string[] = []
  events.on('publication:refused', ({ reason }) => reasons.push(reason))
  const stored = () => mesh.stream(broker.streams[0] ?? '').messages
  const publisher = new Publisher(broker, events, room, witness)
  const publish = (
    channel: string,
    namespace: Namespace,
    data: Uint8Array,
    info: ClientInfo,
  ): Promise<void> =>
    new Promise((resolve, failed) => {
      const sender = { user: info.user, meta: encodeMeta({ kind: 'json', info }) }
      publisher.publish(channel, namespace, data, sender, { published: () => resolve(), failed })
    })
  return { broker, outcomes, reasons, stored, publisher: { publish } }
}

describe('a durable publication', () => {
  it('is acknowledged only when the stream has it, because that is what the reply promises (U1)', async () => {
    const { broker, publisher, outcomes } = start()
    let acknowledge: (seq: number) => void = () => {}
    const appended = new Promise<number>((resolve) => (acknowledge = resolve))
    jest
      .spyOn(broker.log, 'append')
      .mockImplementation(async () => ({ seq: await appended, isDuplicate: false }))
    let isDone = false
    const done = publisher.publish('chat:a', durable, json(1), ana).then(() => (isDone = true))
    await new Promise(setImmediate)
    expect([isDone, outcomes]).toEqual([false, []])
    acknowledge(1)
    await done
    expect(outcomes).toEqual(['chat stored'])
  })

  it('carries who published it, so that history tells it too', async () => {
    const { publisher, stored } = start()
    await publisher.publish('chat:a', durable, json({ text: 'hi' }), ana)
    expect(stored().map(({ body, meta }) => [Buffer.from(body).toString(), decodeMeta(meta)?.info])).toEqual([
      ['{"text":"hi"}', ana],
    ])
  })

  it('is stored in the order of the calls, though none waits for the one before (U2)', async () => {
    const { publisher, stored } = start()
    const numbers = Array.from({ length: 50 }, (_, n) => n)
    await Promise.all(numbers.map((n) => publisher.publish('chat:a', durable, json(n), ana)))
    expect(stored().map(({ body }) => Number(Buffer.from(body).toString()))).toEqual(numbers)
  })

  it('is stored once for the same id of the same user in the same channel, and counted as a repeat', async () => {
    const { publisher, stored, outcomes } = start()
    await publisher.publish('chat:a', durable, json({ id: 7, text: 'hi' }), ana)
    await publisher.publish('chat:a', durable, json({ id: 7, text: 'hi' }), { ...ana, client: 'another' })
    expect(stored()).toHaveLength(1)
    expect(outcomes).toEqual(['chat stored', 'chat duplicate'])
  })

  it('can’t be swallowed by another user’s or another channel’s use of the id', async () => {
    const { publisher, stored, outcomes } = start()
    await publisher.publish('chat:a', durable, json({ id: 7 }), ana)
    await publisher.publish('chat:a', durable, json({ id: 7 }), ben)
    await publisher.publish('chat:b', durable, json({ id: 7 }), ana)
    await publisher.publish('chat:a', durable, json({ id: '7' }), ana)
    expect(stored()).toHaveLength(4)
    expect(outcomes).toEqual(Array(4).fill('chat stored'))
  })

  it('has no id when its namespace names none or its data has none: equal texts are two messages then', async () => {
    const { publisher, stored } = start()
    const plain = resolveNamespace('plain', schema.parse({ keep: 'stream' }))
    for (const namespace of [plain, plain])
      await publisher.publish('plain:a', namespace, json({ id: 7 }), ana)
    for (const namespace of [durable, durable]) await publisher.publish('chat:a', namespace, json('hi'), ana)
    expect(stored()).toHaveLength(4)
  })

  it.each([
    ['refused', new UnavailableError('stream-full', 'full')],
    ['unknown', new UnknownOutcomeError('no-answer', 'sent')],
  ])(
    'is counted once as %s, and the error goes on unchanged: it says what the client may do (U3)',
    async (outcome, error) => {
      const { broker, publisher, outcomes } = start()
      jest.spyOn(broker.log, 'append').mockRejectedValue(error)
      await expect(publisher.publish('chat:a', durable, json(1), ana)).rejects.toBe(error)
      expect(outcomes).toEqual([`chat ${outcome}`])
    },
  )
})

describe('who judges whether a stream still stores', () => {
  it('hears of what was stored and what has no answer; a duplicate and a refusal prove neither', async () => {
    const heard: string[] = []
    const witness = {
      stored: (stream: string) => heard.push(`${stream} stored`),
      unknown: (stream: string) => heard.push(`${stream} unknown`),
    }
    const { broker, publisher } = start(roomy, witness)
    const [stream] = broker.streams
    for (const id of [1, 1]) await publisher.publish('chat:a', durable, json({ id }), ana)
    const append = jest.spyOn(broker.log, 'append')
    for (const error of [new UnavailableError('stream-full', ''), new UnknownOutcomeError('no-answer', '')]) {
      append.mockRejectedValue(error)
      await expect(publisher.publish('chat:a', durable, json(1), ana)).rejects.toBe(error)
    }
    expect(heard).toEqual([`${stream} stored`, `${stream} unknown`])
  })
})

describe('a stream without room', () => {
  const full: Room = { isRefusing: () => true, refused: () => {} }
  const refusal = { name: 'UnavailableError', code: 'stream-full' }

  it('is sent nothing: what is refused here costs NATS nothing, and the last tenth stays free (U4)', async () => {
    const { broker, publisher, outcomes, reasons } = start(full)
    const append = jest.spyOn(broker.log, 'append')
    await expect(publisher.publish('chat:a', durable, json(1), ana)).rejects.toMatchObject(refusal)
    expect([append.mock.calls, outcomes, reasons]).toEqual([[], ['chat refused'], ['stream-full']])
  })

  it('keeps nobody from ephemeral channels: they need none', async () => {
    const { publisher, outcomes } = start(full)
    await publisher.publish('typing:a', ephemeral, json(1), ana)
    expect(outcomes).toEqual(['typing sent'])
  })

  it('is looked at when it refuses by itself, and only then: what was refused here says nothing new of it', async () => {
    const asked: string[] = []
    const room = (isRefusing: boolean): Room => ({
      isRefusing: () => isRefusing,
      refused: (stream) => asked.push(stream),
    })
    const [late, early] = [start(room(false)), start(room(true))]
    jest.spyOn(late.broker.log, 'append').mockRejectedValue(new UnavailableError('stream-full', 'full'))
    for (const { publisher } of [early, late]) {
      await expect(publisher.publish('chat:a', durable, json(1), ana)).rejects.toMatchObject(refusal)
    }
    expect(asked).toEqual([late.broker.streams[0]])
  })
})

describe('an ephemeral publication', () => {
  it('is sent to who listens now and kept nowhere', async () => {
    const { broker, publisher, outcomes, stored } = start()
    const heard: unknown[] = []
    broker.bus.subscribe(broker.route('typing', 'typing:a').liveSubject, ({ body, meta, stored: at }) =>
      heard.push([Buffer.from(body).toString(), decodeMeta(meta)?.info, at]),
    )
    await publisher.publish('typing:a', ephemeral, json(1), ana)
    await new Promise(setImmediate)
    expect(heard).toEqual([['1', ana, undefined]])
    expect(outcomes).toEqual(['typing sent'])
    expect(stored()).toEqual([])
  })

  it('is refused while NATS is away, because a success would promise what nobody can hear', async () => {
    const { broker, publisher, outcomes } = start()
    broker.disconnect()
    const publishing = publisher.publish('typing:a', ephemeral, json(1), ana)
    await expect(publishing).rejects.toBeInstanceOf(UnavailableError)
    expect(outcomes).toEqual(['typing refused'])
  })
})
