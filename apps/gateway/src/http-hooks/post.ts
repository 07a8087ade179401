/**
 * One POST of JSON over a connection that is kept for the next.
 *
 * P1. One deadline for all of it: a free connection, the name, the handshake, the whole answer.
 * P2. No more of an answer is read than `maxAnswerBytes`, and redirects are not followed: who is asked is what was configured.
 * P3. A connection that its server closed while it was idle shows only when it is used again. What is harmless to repeat is sent once
 *     more then, by a new one; what may have effects isn't.
 * P4. No reason holds anything of the answer, or of the address.
 */
import type { Clock, Timer } from '@natter/primitives'
import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'

export const maxAnswerBytes = 1_048_576

/** To one address; more wait for one of them. */
const maxSockets = 256
/** Kept while nothing is asked. */
const maxFreeSockets = 64

export interface Posting {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  /** P3. */
  readonly isHarmless: boolean
}

export interface Posted {
  readonly status: number
  readonly body: Uint8Array
}

export type PostFailure = 'timeout' | 'connection' | 'too-large' | 'stopped'

export class PostError extends Error {
  constructor(
    readonly reason: PostFailure,
    /** Completes "… can't be asked: ". */
    why: string,
  ) {
    super(why)
  }
}

const stopped = (): PostError => new PostError('stopped', 'this gateway ends')

export class Poster {
  private readonly agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets, maxFreeSockets }),
    https: new HttpsAgent({ keepAlive: true, maxSockets, maxFreeSockets }),
  }
  private readonly running = new Set<Post>()
  private isStopped = false

  constructor(private readonly clock: Clock) {}

  /** Of any status. @throws PostError. */
  post(posting: Posting): Promise<Posted> {
    if (this.isStopped) return Promise.reject(stopped())
    return new Promise((resolve, reject) => {
      const post = new Post(posting, this.clock, (outcome) => {
        this.running.delete(post)
        if (outcome instanceof PostError) reject(outcome)
        else resolve(outcome)
      })
      this.running.add(post)
      const isSecure = posting.url.protocol === 'https:'
      post.start(isSecure ? requestHttps : requestHttp, isSecure ? this.agents.https : this.agents.http)
    })
  }

  /** Ends what is under way; from here on nobody is asked. */
  stop(): void {
    this.isStopped = true
    for (const post of this.running) post.end(stopped())
    this.agents.http.destroy()
    this.agents.https.destroy()
  }
}

class Post {
  private request: ClientRequest | undefined
  private timer: Timer | undefined
  private isOver = false

  constructor(
    private readonly posting: Posting,
    private readonly clock: Clock,
    private readonly onEnd: (outcome: Posted | PostError) => void,
  ) {}

  start(send: typeof requestHttp, agent: HttpAgent): void {
    const { timeoutMs } = this.posting
    const late = (): void => this.end(new PostError('timeout', `no answer within ${timeoutMs} ms`))
    this.timer = this.clock.setTimer(late, timeoutMs) // P1
    this.send(send, agent, this.posting.isHarmless)
  }

  end(outcome: Posted | PostError): void {
    if (this.isOver) return
    this.isOver = true
    this.timer?.cancel()
    if (outcome instanceof PostError) this.request?.destroy()
    this.onEnd(outcome)
  }

  private send(send: typeof requestHttp, agent: HttpAgent | false, mayRepeat: boolean): void {
    const { url, headers, body } = this.posting
    const request = send(url, { method: 'POST', headers, agent }, (answer) => this.read(answer))
    this.request = request
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (this.isOver || this.request !== request) return
      const isStale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '')
      if (isStale && mayRepeat) return this.send(send, false, false) // P3
      this.end(new PostError('connection', error.code ?? 'the connection failed')) // P4: messages hold addresses
    })
    request.end(body)
  }

  private read(answer: IncomingMessage): void {
    const chunks: Buffer[] = []
    let bytes = 0
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      chunks.push(chunk)
      if (bytes > maxAnswerBytes)
        this.end(new PostError('too-large', `the answer has more than ${maxAnswerBytes} bytes`)) // P2
    })
    answer.on('end', () => this.end({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }))
    answer.on('error', () => this.end(new PostError('connection', 'the answer was cut off')))
    answer.on('close', () => this.end(new PostError('connection', 'the answer was cut off')))
  }
}
