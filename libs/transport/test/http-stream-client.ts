import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestByTls } from 'node:https'
import type { Framing } from '../src/index.js'
import { StreamReader } from './stream-reader.js'

/** Posts a body and reads the answer as it comes, or stops reading it. */
export class HttpStreamClient {
  readonly subprotocol = undefined
  readonly messages: readonly string[]
  readonly closed: Promise<{ code: number; reason: string }>
  /** Rejects when the answer is no 200. Resolves when the request was sent: headers come with the first frame. */
  readonly opened: Promise<void>
  private readonly sent: ClientRequest
  private answer: IncomingMessage | undefined
  private isPaused = false

  constructor(
    framing: Exclude<Framing, 'bytes'>,
    { port, path, body, isTls = false }: { port: number; path: string; body: string; isTls?: boolean },
  ) {
    const reader = new StreamReader(framing)
    this.messages = reader.messages
    this.closed = reader.closed
    const headers = { 'x-framing': framing }
    const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: false } as const
    this.sent = isTls ? requestByTls({ ...options, rejectUnauthorized: false }) : request(options)
    this.opened = new Promise((resolve, reject) => {
      this.sent.on('response', (answer) => {
        this.answer = answer
        if (answer.statusCode !== 200) return reject(new Error(`refused: ${answer.statusCode}`))
        answer.on('data', (chunk: Buffer) => reader.push(chunk))
        answer.on('end', () => reader.over(true))
        answer.on('error', () => reader.over(false))
        if (this.isPaused) answer.pause()
        resolve()
      })
      this.sent.on('error', (error) => {
        reader.over(false)
        reject(error)
      })
      this.sent.on('finish', () => path === '/refused' || setImmediate(resolve))
    })
    this.opened.catch(() => {})
    this.sent.end(body)
  }

  send(): void {}

  pause(): void {
    this.isPaused = true
    this.answer?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.answer?.resume()
  }

  close(): void {
    this.sent.destroy()
  }
}
