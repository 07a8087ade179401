/** A client of the HTTP transports by hand: one open response, and what it posts beside that. */
import { Agent, request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { jsonDialect, type Dialect } from './dialect.js'
import type { Incoming } from './harness.js'

export interface OpenOptions {
  dialect?: Dialect
  /** Default POST. */
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string | Uint8Array
}

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

/** `ws://host:port/connection/websocket` of a node, as another address of the same door. */
export const httpOf = (url: string, path: string): string =>
  url.replace('ws://', 'http://').replace('/connection/websocket', path)

/** A plain request and its whole answer. A body of several parts arrives in as many. */
export function ask(
  url: string,
  { body, ...options }: RequestOptions & { body?: string | Uint8Array | readonly string[] } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
      })
    })
    sent.on('error', reject)
    if (typeof body === 'string' || body instanceof Uint8Array) return void sent.end(body)
    for (const part of body ?? []) sent.write(part)
    sent.end()
  })
}

export class HttpClient {
  readonly received: Incoming[] = []
  /** The answer as it came, for who looks at the framing. */
  text = ''
  answer: IncomingMessage | undefined
  /** How the response ended. */
  ended: 'in order' | 'cut' | undefined
  private rest: Buffer = Buffer.alloc(0)
  private ids = 1
  private readonly looking = new Set<() => void>()
  private readonly sent: ClientRequest
  private readonly dialect: Dialect
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 8 })

  constructor(
    readonly url: string,
    { dialect = jsonDialect, method = 'POST', headers = {}, body }: OpenOptions = {},
  ) {
    this.dialect = dialect
    const typed =
      dialect.name === 'json' ? headers : { 'content-type': 'application/octet-stream', ...headers }
    this.sent = request(url, { method, headers: typed, agent: false }, (answer) => this.read(answer))
    this.sent.on('error', () => this.over('cut'))
    this.sent.end(body)
  }

  /** http_stream or SSE, connected. */
  static async connect(
    nodeUrl: string,
    path: '/connection/http_stream' | '/connection/sse',
    { dialect = jsonDialect, ...options }: OpenOptions & { connect?: object } = {},
  ): Promise<HttpClient> {
    const body = dialect.encode([{ id: 1, connect: options.connect ?? {} }])
    const client = new HttpClient(httpOf(nodeUrl, path), { ...options, dialect, body })
    await client.reply(1)
    return client
  }

  /** What the connect reply says under which its posts find it. */
  get session(): { session: string; node: string } {
    const { session, node } = (this.received[0]?.['connect'] ?? {}) as { session: string; node: string }
    return { session, node }
  }

  /** Posts commands to `at`, another gateway's address too. */
  post(commands: readonly object[], at = this.url): Promise<Answer> {
    const data = this.dialect.encode(commands)
    const url = new URL('/emulation', at.replace(/^ws/, 'http')).href
    if (this.dialect.name === 'json') {
      const body = JSON.stringify({ ...this.session, data })
      return ask(url, { method: 'POST', agent: this.agent, body })
    }
    const headers = { 'content-type': 'application/octet-stream' }
    const body = encodeEmulation({ ...this.session, data: Buffer.from(data) })
    return ask(url, { method: 'POST', agent: this.agent, headers, body })
  }

  async call(method: string, command: object, at?: string): Promise<Incoming> {
    this.ids += 1
    const id = this.ids
    const { status, text } = await this.post([{ id, [method]: command }], at)
    if (status !== 204) throw new Error(`/emulation answered ${status} ${text}`)
    return this.reply(id)
  }

  reply(id: number): Promise<Incoming> {
    return this.until(() => this.received.find((one) => one['id'] === id), `the reply to command ${id}`)
  }

  /** In pushes, and in bare ones. */
  publications(channel: string): Incoming[] {
    return this.received
      .map((one) => (one['push'] ?? one) as Incoming)
      .filter((push) => push['channel'] === channel && push['pub'] !== undefined)
      .map((push) => push['pub'] as Incoming)
  }

  disconnect(): Promise<{ code: number; reason: string }> {
    return this.until(() => {
      const last = this.received.at(-1)
      return this.ended === 'in order' ? ((last?.['push'] ?? last) as Incoming)?.['disconnect'] : undefined
    }, 'the disconnect and the end')
  }

  until<T>(check: () => T | undefined | false, what: string, timeoutMs = 6_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.looking.delete(look)
        const seen = JSON.stringify(this.received).slice(-500)
        reject(new Error(`${what} did not come; ${this.answer?.statusCode} ${this.ended} ${seen}`))
      }, timeoutMs)
      const look = (): void => {
        const found = check()
        if (found === undefined || found === false) return
        clearTimeout(timer)
        this.looking.delete(look)
        resolve(found)
      }
      this.looking.add(look)
      look()
    })
  }

  pause(): void {
    this.answer?.pause()
  }

  resume(): void {
    this.answer?.resume()
  }

  /** Goes away. */
  abort(): void {
    this.sent.destroy()
    this.agent.destroy()
  }

  private read(answer: IncomingMessage): void {
    this.answer = answer
    answer.on('data', (chunk: Buffer) => this.take(chunk))
    answer.on('end', () => this.over('in order'))
    answer.on('error', () => this.over('cut'))
    this.look()
  }

  private get isEvents(): boolean {
    return this.answer?.headers['content-type']?.startsWith('text/event-stream') === true
  }

  private take(chunk: Buffer): void {
    const isText = this.dialect.name === 'json'
    if (isText) this.text += chunk.toString()
    const { whole, rest } = isText
      ? splitLines(Buffer.concat([this.rest, chunk]), this.isEvents)
      : splitDelimited(Buffer.concat([this.rest, chunk]))
    this.rest = rest
    for (const one of whole) this.received.push(...this.dialect.decode(one))
    this.look()
  }

  private over(how: 'in order' | 'cut'): void {
    this.ended ??= how
    this.look()
  }

  private look(): void {
    for (const look of this.looking) look()
  }
}

/** Lines; of events what an EventSource would take for data, and nothing else. */
function splitLines(bytes: Buffer, isEvents: boolean): { whole: Buffer[]; rest: Buffer } {
  const end = bytes.lastIndexOf(0x0a) + 1
  const lines = bytes.subarray(0, end).toString().split('\n')
  const said = isEvents
    ? lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice('data: '.length))
    : lines
  const whole = said.filter((line) => line !== '')
  return { whole: whole.map((line) => Buffer.from(line)), rest: bytes.subarray(end) }
}

/** Messages behind their length. */
function splitDelimited(bytes: Buffer): { whole: Buffer[]; rest: Buffer } {
  const whole: Buffer[] = []
  let at = 0
  for (;;) {
    let length = 0
    let shift = 0
    let head = at
    for (; head < bytes.length; head += 1) {
      const byte = bytes[head] ?? 0
      length += (byte & 0x7f) * 2 ** shift
      shift += 7
      if (byte < 0x80) break
    }
    const end = head + 1 + length
    if (head >= bytes.length || end > bytes.length) return { whole, rest: bytes.subarray(at) }
    whole.push(bytes.subarray(at, end))
    at = end
  }
}

/** EmulationRequest {node = 1, session = 2, data = 3}. */
export function encodeEmulation(fields: { node: string; session: string; data: Uint8Array }): Buffer {
  const field = (number: number, value: Uint8Array): Buffer =>
    Buffer.concat([Buffer.of((number << 3) | 2, ...varint(value.byteLength)), value])
  return Buffer.concat([
    field(1, Buffer.from(fields.node)),
    field(2, Buffer.from(fields.session)),
    field(3, fields.data),
  ])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
