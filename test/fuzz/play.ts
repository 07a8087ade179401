/**
 * Plays one case and records what came of it. It judges nothing.
 *
 * Y1. It ends: when all that is owed has come, when the connection has ended, when the client leaves, or when nothing has moved for too
 *     long. A machine that is slow is no gateway that hangs.
 * Y2. Behind the last message a command follows that every gateway can answer, so that a case which owes nothing shows a sign of
 *     life as well.
 */
import { Limits } from '@natter/protocol'
import { opcodes } from '@natter/testing'
import { clientFrame } from './client-frame.js'
import type { Case, Conversation, Encoding, End, Request, Seen, Step } from './case.js'
import { postHead } from './heads.js'
import { HttpConnection } from './http-connection.js'
import { Ledger } from './ledger.js'
import { owedFor } from './owed.js'
import { emulationBody, protobufFrame } from './protobuf-frames.js'
import { readerFor, type Reader, type SessionOf } from './told.js'
import { chance } from '../fault/seeded.js'

export interface Door {
  port: number
  /** For how long nothing may move before a case counts as hung. */
  withinMs: number
}

/** What came of a case, with what was owed and didn't come, and what came unasked. */
export interface Played extends Seen {
  /** A message was sent that ends the connection, or may. */
  isDoomed: boolean
  /** Ids. */
  missing: number[]
  uninvited: number[]
  /** A codec that threw what it may not. */
  fault?: string
}

/** Never drawn: ids are small, or odd in other ways. */
const lastId = 4_294_967_290

export function play({ from, what }: Case, door: Door): Promise<Played> {
  return what.kind === 'request' ? playRequest(what, from, door) : new Play(what, from, door).run()
}

async function playRequest(request: Request, from: string, door: Door): Promise<Played> {
  const startMs = performance.now()
  const { status, hasHung } = await ask(request, from, door)
  const end: End = hasHung ? { kind: 'hung' } : { kind: 'left' }
  const tookMs = performance.now() - startMs
  return {
    status,
    posts: [],
    told: [],
    unreadable: [],
    end,
    tookMs,
    inputs: 1,
    isDoomed: false,
    missing: [],
    uninvited: [],
  }
}

/** A response that goes on and on has been answered. */
function ask(
  { head, body, isWellFormed }: Pick<Request, 'head' | 'body' | 'isWellFormed'>,
  from: string,
  { port, withinMs }: Door,
): Promise<{ status: number | undefined; hasHung: boolean }> {
  return new Promise((resolve) => {
    const settle = (status: number | undefined, hasHung = false): void => {
      clearTimeout(timer)
      connection.destroy()
      resolve({ status, hasHung })
    }
    const timer = setTimeout(() => settle(undefined, isWellFormed), isWellFormed ? withinMs : 300) // half a request waits for the rest
    const connection = new HttpConnection(port, from, {
      onHead: (status) => settle(status),
      onData: () => {},
      onEnd: () => settle(undefined),
    })
    connection.write(Buffer.concat([Buffer.from(head, 'latin1'), body]))
  })
}

class Play {
  private readonly connection: HttpConnection
  private readonly reader: Reader
  private readonly ledger = new Ledger()
  private readonly seen: Seen = {
    status: undefined,
    posts: [],
    told: [],
    unreadable: [],
    end: { kind: 'hung' },
    tookMs: 0,
    inputs: 1,
  }
  private readonly startMs = performance.now()
  private readonly timer: NodeJS.Timeout
  private session: SessionOf | undefined
  private fault: string | undefined
  private mayEnd = false
  private isOver = false
  /** Whoever waits for something to change. */
  private wake = (): void => {}

  constructor(
    private readonly what: Conversation,
    private readonly from: string,
    private readonly door: Door,
  ) {
    const unreadable = (text: string): void =>
      void (this.seen.unreadable.length < 3 && this.seen.unreadable.push(text))
    this.reader = readerFor(what.carrier, what.encoding, unreadable, (session) => (this.session = session))
    this.timer = setTimeout(() => this.end({ kind: 'hung' }), door.withinMs)
    this.connection = new HttpConnection(door.port, from, {
      onHead: (status) => this.onHead(status),
      onData: (bytes) => this.onData(bytes),
      onEnd: (code, reason) => this.end({ kind: 'closed', code, reason }),
    })
  }

  async run(): Promise<Played> {
    const { head, body, carrier } = this.what
    if (carrier === 'http_stream' || carrier === 'sse') this.owe(body ?? fromQuery(head))
    this.connection.write(Buffer.from(head, 'latin1'))
    if (body !== undefined) this.connection.write(body)
    await this.until(() => this.seen.status !== undefined)
    if (this.isTalking()) await this.talk()
    await this.until(() => this.ledger.isSettled)
    this.end({ kind: 'left' })
    const { mustEnd, missing, uninvited } = this.ledger
    const isDoomed = mustEnd || this.mayEnd
    return {
      ...this.seen,
      isDoomed,
      missing,
      uninvited,
      ...(this.fault === undefined ? {} : { fault: this.fault }),
    }
  }

  private isTalking(): boolean {
    const { status } = this.seen
    return !this.isOver && (status === 101 || status === 200)
  }

  private async talk(): Promise<void> {
    for (const step of this.what.steps) {
      if (this.isOver) return
      if (step.kind === 'leave') return this.leave(step.how)
      if (step.kind !== 'connected') this.seen.inputs += 1
      await this.take(step)
      this.timer.refresh()
    }
    if (!this.isOver && !this.what.carrier.startsWith('uni_'))
      await this.message(lastMessage(this.what.encoding)) // Y2
  }

  private async take(step: Exclude<Step, { kind: 'leave' }>): Promise<void> {
    switch (step.kind) {
      case 'connected':
        return this.until(() => this.seen.told.length > 0, 2_500)
      case 'message':
        return this.message(step)
      case 'bytes':
        this.ledger.forgive()
        return this.connection.write(step.bytes)
      case 'post': {
        const { status } = await ask(step, this.from, this.door)
        this.seen.posts.push({ status, isWellFormed: step.isWellFormed })
      }
    }
  }

  private message(step: Omit<Extract<Step, { kind: 'message' }>, 'kind'>): Promise<void> | void {
    const { carrier, encoding } = this.what
    if (carrier === 'http_stream' || carrier === 'sse') return this.post(step.bytes)
    const isRight = step.isBinary === (encoding === 'protobuf') && step.bytes.length <= Limits.maxMessageBytes
    if (carrier === 'websocket') this.owe(isRight ? step.bytes : undefined)
    for (const frame of framed(step)) this.connection.write(frame)
  }

  private async post(bytes: Buffer): Promise<void> {
    const { encoding } = this.what
    if (this.session === undefined) return
    const { session, node } = this.session
    const body =
      encoding === 'protobuf'
        ? emulationBody(node, session, bytes)
        : Buffer.from(JSON.stringify({ session, node, data: bytes.toString('utf8') }))
    const isSmall = body.length <= Limits.maxMessageBytes
    const sent = encoding === 'protobuf' ? bytes : Buffer.from(bytes.toString('utf8'))
    const account = isSmall ? this.owe(sent) : () => {}
    const { status } = await ask(
      { head: postHead(encoding, body.length), body, isWellFormed: true },
      this.from,
      this.door,
    )
    this.seen.posts.push({ status, isWellFormed: true })
    if (status !== 204) account()
  }

  /** Answers what takes the debt back: nothing is owed for what was refused. */
  private owe(message: Buffer | undefined): () => void {
    const owed = message === undefined ? ({ kind: 'end' } as const) : owedFor(this.what.encoding, message)
    if (owed.kind === 'fault') this.fault = owed.error
    if (owed.kind === 'answers' && owed.mayEnd) this.mayEnd = true
    return this.ledger.owe(owed.kind === 'answers' ? owed.ids : 'end')
  }

  private leave(how: Extract<Step, { kind: 'leave' }>['how']): void {
    if (how === 'half-close') this.connection.halfClose()
    if (how === 'close-frame')
      this.connection.write(clientFrame({ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8]) }))
    this.ledger.forgive()
    if (how === 'reset') this.end({ kind: 'left' })
    else this.ledger.owe('end')
  }

  private onHead(status: number): void {
    this.timer.refresh() // Y1
    this.seen.status = status
    if (status !== 101 && status !== 200) this.end({ kind: 'closed', code: 1000, reason: '' })
    this.wake()
  }

  private onData(bytes: Buffer): void {
    if (this.isOver) return
    this.timer.refresh()
    for (const told of this.reader.push(bytes)) {
      this.seen.told.push(told)
      if (told.id !== 0) this.ledger.answered(told.id)
    }
    this.wake()
  }

  private end(end: End): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.timer)
    this.seen.end = end
    this.seen.tookMs = performance.now() - this.startMs
    this.connection.destroy()
    this.wake()
  }

  private until(isTrue: () => boolean, atMostMs?: number): Promise<void> {
    if (this.isOver || isTrue()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.wake = () => {}
        resolve()
      }
      const timer = atMostMs === undefined ? undefined : setTimeout(done, atMostMs)
      this.wake = () => void ((this.isOver || isTrue()) && done())
    })
  }
}

const quiet = chance(0, 'the last message')
const statistics = {
  id: lastId,
  method: 'presence_stats',
  fields: [['channel', { type: 'text', value: 'quick:a' }]],
} as const

const lastMessage = (encoding: Encoding): { bytes: Buffer; isBinary: boolean } =>
  encoding === 'json'
    ? { bytes: Buffer.from(`{"id":${lastId},"presence_stats":{"channel":"quick:a"}}`), isBinary: false }
    : { bytes: protobufFrame(quiet, [statistics], 0), isBinary: true }

function framed({
  bytes,
  isBinary,
  fragments = 1,
}: Omit<Extract<Step, { kind: 'message' }>, 'kind'>): Buffer[] {
  const opcode = isBinary ? opcodes.binary : opcodes.text
  const size = Math.max(1, Math.ceil(bytes.length / fragments))
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += size) {
    const payload = bytes.subarray(at, at + size)
    frames.push(
      clientFrame({
        opcode: at === 0 ? opcode : opcodes.continuation,
        payload,
        fin: at + size >= bytes.length,
      }),
    )
    if (fragments > 1) frames.push(clientFrame({ opcode: opcodes.ping, payload: Buffer.alloc(0) }))
  }
  return frames
}

/** As the server reads it. */
function fromQuery(head: string): Buffer {
  const said = /cf_connect=([^ &]*)/.exec(head)?.[1] ?? ''
  return Buffer.from(decodeURIComponent(said))
}
