/** Streams that are read whole: through a consumer where a page goes on behind another one, whatever becomes of that consumer. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker, type NatsBrokerOptions, type StreamMessage } from '@natter/broker'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { TestNats } from './nats-server.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')
const MiB = 1_048_576

describe('pages of a whole stream', () => {
  let server: TestNats
  let broker: Broker
  let raw: NatsConnection | undefined
  let stream = ''

  const open = async (config?: string, options: Partial<NatsBrokerOptions> = {}): Promise<void> => {
    server = await TestNats.start(config)
    broker = await createNatsBroker({ urls: [server.url], prefix: 'pages', name: 'test', ...options })
    stream = broker.route('', 'room').stream
  }

  afterEach(async () => {
    await raw?.close()
    raw = undefined
    await broker.close()
    await server.stop()
  })

  const append = async (from: number, to: number): Promise<void> => {
    const { subject } = broker.route('', 'room')
    const all = Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`)
    await Promise.all(all.map((body) => broker.log.append(subject, text(body), { meta: `{"n":${body}}` })))
  }

  const page = (from: number, limit = 10): Promise<{ messages: StreamMessage[]; pending: number }> =>
    broker.log.readStream(stream, { from, limit, maxBytes: MiB })

  /** What is there from `from` on, in pages; `between` is called before each. Without NATS' own sentinels. */
  async function readOn(from: number, between: (pages: number) => Promise<unknown> = async () => {}) {
    const bodies: string[] = []
    for (let [at, pages] = [from, 0]; ; pages += 1) {
      await between(pages)
      const { messages } = await page(at)
      const last = messages.at(-1)
      if (last === undefined) return { bodies, at }
      at = last.seq + 1
      for (const { subject, body, meta } of messages) {
        if (broker.subjects.channelOf(subject) === undefined) continue
        bodies.push(Buffer.from(body).toString())
        expect(meta).toBe(`{"n":${bodies.at(-1)}}`)
      }
    }
  }

  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`)

  const consumers = async (): Promise<string[]> => {
    raw ??= await connect({ servers: server.url })
    const reply = await raw.request(`$JS.API.CONSUMER.NAMES.${stream}`)
    return reply.json<{ consumers: string[] }>().consumers
  }

  it('hold everything once, in order, and what comes later too: who reads on has one consumer for all of it', async () => {
    await open()
    await append(1, 95)
    const { bodies, at } = await readOn(1)
    expect(bodies).toEqual(numbers(1, 95))
    await append(96, 120)
    expect((await readOn(at)).bodies).toEqual(numbers(96, 120))
    expect(await consumers()).toHaveLength(1)
  })

  it('are the same while others look elsewhere in the stream, who make no consumer', async () => {
    await open()
    await append(1, 60)
    const { bodies } = await readOn(1, async (pages) => {
      if (pages < 3) return
      const [only] = (await page(pages * 7, 1)).messages
      expect(only?.seq).toBe(pages * 7)
    })
    expect(bodies).toEqual(numbers(1, 60))
    expect(await consumers()).toHaveLength(1)
  })

  it('that are read again from an older place are the same ones: a reader never answers from where it stands', async () => {
    await open()
    await append(1, 60)
    const all = (await readOn(1)).bodies
    expect((await readOn(1)).bodies).toEqual(all)
    const rest = (await readOn(30)).bodies
    expect(rest).toEqual(all.slice(-rest.length))
    expect(rest.length).toBeLessThan(all.length)
  })

  it('lose nothing with the consumer', async () => {
    await open()
    await append(1, 95)
    const { bodies } = await readOn(1, async () => {
      for (const name of await consumers()) await raw?.request(`$JS.API.CONSUMER.DELETE.${stream}.${name}`)
    })
    expect(bodies).toEqual(numbers(1, 95))
  })

  it('begin behind what was purged meanwhile', async () => {
    await open()
    await append(1, 95)
    const first = (await page(1, 20)).messages.at(-1)?.seq ?? 0
    await page(first + 1)
    await broker.log.purge(stream, first + 41)
    const { messages } = await page(first + 11)
    expect(messages[0]?.seq).toBe(first + 41)
  })

  it('come all the same where NATS permits no consumer', async () => {
    const permissions = 'publish: { deny: ["$JS.API.CONSUMER.>"] }'
    const users = `{ user: natter, password: secret, permissions: { ${permissions} } }`
    await open(`authorization { users = [ ${users} ] }`, { user: 'natter', pass: 'secret' })
    await append(1, 45)
    expect((await readOn(1)).bodies).toEqual(numbers(1, 45))
  })

  it('go on after a restart of NATS', async () => {
    await open()
    await append(1, 45)
    const [, second] = [await page(1), await page(11)]
    const back = new Promise<void>((resolve) => broker.events.on('broker:reconnect', () => resolve()))
    await server.kill()
    await server.boot()
    await back
    await broker.verifyStreams()
    const { messages } = await page((second.messages.at(-1)?.seq ?? 0) + 1, 100)
    expect(messages[0]?.seq).toBe((second.messages.at(-1)?.seq ?? 0) + 1)
  })
})
