/**
 * Plain HTTP on the listening port: reads what is asked, and writes what the handlers decided.
 *
 * R1. A request lives on the library's stack: what is needed of it is read before anything else, nothing is kept.
 * R2. After `onAborted`, or after its end, a response is not touched: every call on it would throw, or worse.
 * R3. What is not written inside the library's own callback is corked: else each part is a write of its own.
 * R4. A body is held up to `maxBodyBytes`, and all bodies that arrive at once up to `maxArrivingBytes`.
 * R5. What is longer is not held, but read to its end before it is refused, up to 1 MiB: who is still sending hears no answer, only
 *     that the connection was reset.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { longestPayloadBytes } from '../payload-limit.js'
import type { Pipe } from '../stream/stream-socket.js'
import { framers } from '../stream/framing.js'
import type { HttpAnswer, PlainRequest, RequestDecision, StreamOpening } from '../transport.js'
import { readHead, statusLine } from './upgrade.js'

/** A thousand slow senders of as much as they may send. */
const maxArrivingBytes = 67_108_864

/** What a server does with requests. */
export interface RequestOwner {
  readonly maxBodyBytes: number
  decide(request: PlainRequest): RequestDecision
  /** `pipe` is its socket's; answers what is to be called when the peer took bytes, and when it has gone. */
  openStream(opening: StreamOpening, remoteAddress: string, pipe: Pipe): StreamEnds
  /** A request came, or was answered: +1, -1. */
  onBusy(change: 1 | -1): void
}

export interface StreamEnds {
  writable(): void
  gone(): void
}

type Stage = { is: 'waiting' } | { is: 'stream'; ends: StreamEnds | undefined } | { is: 'done' }

type Settled = Exclude<RequestDecision, { is: 'body' }>

export class Requests {
  private arrivingBytes = 0

  constructor(private readonly owner: RequestOwner) {}

  handle(res: HttpResponse, req: HttpRequest): void {
    const head = readHead(res, req)
    const request: PlainRequest = { ...head, method: req.getMethod().toUpperCase() } // R1
    const decision = this.owner.decide(request)
    if (decision.is === 'answer') {
      return answer(res, request.method === 'HEAD' ? { ...decision.answer, body: '' } : decision.answer)
    }
    const exchange = new Exchange(res, request.remoteAddress, this.owner)
    if (decision.is !== 'body') return exchange.settle(decision)
    this.readBody(res, exchange, decision)
  }

  private readBody(
    res: HttpResponse,
    exchange: Exchange,
    {
      tooLong,
      decide,
      maxBytes: maxBodyBytes = this.owner.maxBodyBytes,
    }: Extract<RequestDecision, { is: 'body' }>,
  ): void {
    const chunks: Uint8Array[] = []
    let heldBytes = 0
    let seenBytes = 0
    const forget = (): void => {
      this.arrivingBytes -= heldBytes
      heldBytes = 0
      chunks.length = 0
    }
    exchange.onGone = forget
    res.onData((chunk, isLast) => {
      if (!exchange.isWaiting) return
      seenBytes += chunk.byteLength
      if (seenBytes > longestPayloadBytes(maxBodyBytes)) {
        forget()
        return exchange.answer(tooLong, true)
      }
      if (seenBytes > maxBodyBytes) {
        forget() // R5
        return isLast ? exchange.answer(tooLong) : undefined
      }
      // most bodies come in one piece
      if (isLast && chunks.length === 0) return exchange.settle(decide(new Uint8Array(chunk)))
      if (this.arrivingBytes + chunk.byteLength > maxArrivingBytes) {
        forget()
        return exchange.answer(overloaded, true)
      }
      this.arrivingBytes += chunk.byteLength // R4
      heldBytes += chunk.byteLength
      chunks.push(Buffer.from(new Uint8Array(chunk))) // the library takes its own back
      if (!isLast) return
      const body = Buffer.concat(chunks)
      forget()
      exchange.settle(decide(body))
    })
  }
}

/** One request that is not answered at once. */
class Exchange {
  /** The peer went before it was answered. */
  onGone: () => void = () => {}
  private stage: Stage = { is: 'waiting' }

  constructor(
    private readonly res: HttpResponse,
    private readonly remoteAddress: string,
    private readonly owner: RequestOwner,
  ) {
    owner.onBusy(1)
    res.onAborted(() => this.aborted())
  }

  get isWaiting(): boolean {
    return this.stage.is === 'waiting'
  }

  settle(decision: Settled): void {
    if (!this.isWaiting) return
    switch (decision.is) {
      case 'answer':
        return this.answer(decision.answer)
      case 'later':
        return void decision.answer.then((later) => this.answer(later))
      case 'stream':
        return this.openStream(decision.stream)
    }
  }

  /** `isLast`: what else comes over the connection is not read. */
  answer(given: HttpAnswer, isLast = false): void {
    if (!this.isWaiting) return // R2
    this.over()
    this.res.cork(() => answer(this.res, given, isLast)) // R3
  }

  private openStream(opening: StreamOpening): void {
    const { res } = this
    const stage: Stage = { is: 'stream', ends: undefined }
    this.stage = stage
    res.cork(() => writeHead(res, opening))
    res.onWritable(() => {
      stage.ends?.writable()
      return true
    })
    stage.ends = this.owner.openStream(opening, this.remoteAddress, this.pipe())
  }

  private pipe(): Pipe {
    const { res } = this
    return {
      write: (bytes) => {
        let isTaken = true
        res.cork(() => {
          isTaken = res.write(bytes)
        })
        return isTaken
      },
      // with a handler for `writable` the library writes what it holds only when something is written, or uncorked
      nudge: () => void res.cork(() => {}),
      end: () => {
        this.over()
        res.cork(() => res.end()) // told to close, the library writes that header amid the body
      },
      cut: () => {
        this.over()
        res.close()
      },
    }
  }

  private aborted(): void {
    const { stage } = this
    if (stage.is === 'done') return
    this.over()
    this.onGone()
    if (stage.is === 'stream') stage.ends?.gone()
  }

  private over(): void {
    this.stage = { is: 'done' }
    this.owner.onBusy(-1)
  }
}

const overloaded: HttpAnswer = { status: 503, headers: { 'retry-after': '1' }, body: 'Too much at once.\n' }

const bodyless = new Set([204, 304])

function answer(res: HttpResponse, { status, headers = {}, body = '' }: HttpAnswer, isLast = false): void {
  res.writeStatus(statusLine(status))
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value)
  if (bodyless.has(status)) return void res.endWithoutBody() // given an undefined length it would never end
  if (body !== '' && headers['content-type'] === undefined) {
    res.writeHeader('content-type', 'text/plain; charset=utf-8')
  }
  res.end(body, isLast || status === 503) // who can't be served shall not keep a descriptor either
}

function writeHead(res: HttpResponse, { framing, headers }: StreamOpening): void {
  const { contentType, preamble } = framers[framing]
  res.writeStatus('200 OK').writeHeader('content-type', contentType)
  for (const [name, value] of Object.entries(unbuffered)) res.writeHeader(name, value)
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value)
  if (preamble !== undefined) res.write(preamble)
}

/** Nobody on the way keeps a frame for later. */
const unbuffered: Readonly<Record<string, string>> = {
  'cache-control': 'private, no-cache, no-store, must-revalidate, max-age=0, no-transform',
  pragma: 'no-cache',
  'x-accel-buffering': 'no',
}
