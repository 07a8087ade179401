/** Real NATS, real Postgres, the persistence app as a process, and a broker of the test's own to publish with. */
import { createNatsBroker, encodeMeta, type Broker, type StreamMessage } from '@natter/broker'
import {
  eventually,
  freePort,
  startNatsServer,
  startPostgres,
  startProcess,
  withClient,
  type NatsServer,
  type PostgresServer,
  type StartedProcess,
} from '@natter/testing'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

const main = join(import.meta.dirname, '../src/main.ts')
const channels = JSON.stringify([
  { name: 'kept', keep: 'archive', archive_json: true },
  { name: 'plain', keep: 'stream' },
])

export interface Row {
  epoch: string
  seq: number
  channel: string
  kind: string
  data: Buffer
  meta: string
  json: unknown
}

export interface Running {
  process: StartedProcess
  ops: string
}

interface Mesh {
  readonly nats: NatsServer
  readonly broker: Broker
}

const brokerOf = (nats: NatsServer): Promise<Broker> =>
  createNatsBroker({ urls: [nats.url], prefix: 'natter', name: 'test', onFull: 'refuse' })

export class Stack implements Mesh {
  readonly started: StartedProcess[] = []
  private readonly others: Mesh[] = []

  private constructor(
    readonly nats: NatsServer,
    readonly postgres: PostgresServer,
    readonly url: string,
    readonly broker: Broker,
  ) {}

  static async open(): Promise<Stack> {
    const [nats, postgres] = await Promise.all([startNatsServer(), startPostgres()])
    const url = await postgres.createDatabase()
    const broker = await brokerOf(nats)
    return new Stack(nats, postgres, url, broker)
  }

  async close(): Promise<void> {
    await Promise.all(this.started.map((one) => one.kill('SIGKILL')))
    const meshes: Mesh[] = [this, ...this.others]
    await Promise.all(meshes.map(({ broker }) => broker.close()))
    await Promise.all([this.postgres, ...meshes.map(({ nats }) => nats)].map((server) => server.stop()))
  }

  /** Another mesh with the same prefix, until the stack is closed. */
  async elsewhere(): Promise<Mesh> {
    const nats = await startNatsServer()
    const other = { nats, broker: await brokerOf(nats) }
    this.others.push(other)
    return other
  }

  get stream(): string {
    return this.broker.streams[0] ?? ''
  }

  async start(env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const opsPort = await freePort()
    const process = await startProcess({
      args: [main],
      env: {
        NATTER_NATS_URL: this.nats.url,
        NATTER_POSTGRES_URL: this.url,
        NATTER_CONFIG: '',
        NATTER_CHANNEL_NAMESPACES: channels,
        NATTER_PERSISTENCE_NAME: 'persistence-x',
        NATTER_OPS_PORT: String(opsPort),
        ...env,
      },
    })
    this.started.push(process)
    return { process, ops: `http://127.0.0.1:${opsPort}` }
  }

  /** Started, and writing the archive. */
  async running(env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const one = await this.start(env)
    await one.process.waitForLine((line) => line.includes('"stream:verify"'))
    return one
  }

  async publish(channel: string, body: string | Uint8Array, kind: 'json' | 'bin' = 'json'): Promise<number> {
    const { subject } = this.broker.route(channel.split(':')[0] ?? '', channel)
    const { seq } = await this.broker.log.append(subject, Buffer.from(body), { meta: encodeMeta({ kind }) })
    return seq
  }

  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const { rows } = await withClient(this.url, (client) => client.query<T>(text, values))
    return rows
  }

  /** Everything in the archive, in the order of the stream. */
  async rows(): Promise<Row[]> {
    const rows = await this.query<Omit<Row, 'seq'> & { seq: string }>(
      'select epoch, seq, channel, kind, data, meta, json from natter.history order by epoch, seq',
    )
    return rows.map((row) => Object.assign(row, { seq: Number(row.seq) }))
  }

  /** Once the archive has reached the end of the stream. */
  async caughtUp(timeoutMs = 20_000): Promise<void> {
    await eventually(
      async () => {
        const { lastSeq } = await this.broker.log.state(this.stream)
        return (await this.checkpoint()) === lastSeq
      },
      { timeoutMs, intervalMs: 50 },
    )
  }

  /** Of an epoch, the present one if none is named; 0 unless that is the one which is being archived. */
  async checkpoint(epoch = this.broker.epochOf(this.stream)): Promise<number> {
    const [found] = await this.query<{ seq: string }>(
      'select seq from natter.archive_checkpoint where epoch = $1',
      [epoch],
    )
    return Number(found?.seq ?? 0)
  }

  /** As if nobody of the mesh that owns the archive had been there for long. */
  async ageOwner(): Promise<void> {
    await this.query(`update natter.archive_owner set seen_at = now() - interval '10 minutes'`)
  }

  /** `channel seq hash` of each publication that the stream keeps. */
  async inStream(): Promise<string[]> {
    const prints: string[] = []
    for (let from = 1; ;) {
      const { messages, pending } = await this.broker.log.readStream(this.stream, {
        from,
        limit: 5_000,
        maxBytes: 4_194_304,
      })
      prints.push(...messages.flatMap((message) => this.printOf(message) ?? []))
      const last = messages.at(-1)
      if (last === undefined || pending === 0) return prints.toSorted()
      from = last.seq + 1
    }
  }

  /** The same of the archive, with every double. */
  async inArchive(epoch = this.broker.epochOf(this.stream)): Promise<string[]> {
    const rows = (await this.rows()).filter((row) => row.epoch === epoch)
    return rows.map(({ channel, seq, data }) => print(channel, seq, data)).toSorted()
  }

  private printOf({ subject, seq, body }: StreamMessage): string | undefined {
    const found = this.broker.subjects.channelOf(subject)
    return found === undefined ? undefined : print(found.channel, seq, body)
  }
}

const print = (channel: string, seq: number, data: Uint8Array): string =>
  `${channel} ${seq} ${createHash('sha256').update(data).digest('hex').slice(0, 16)}`
