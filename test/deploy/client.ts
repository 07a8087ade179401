/**
 * One socket that is held, calls and publishes.
 *
 * CL1. What was answered with a temporary error, or not at all within `answerWithinMs`, is sent again until it is answered, refused or
 *      the run is over.
 * CL2. Publications are sent when they are due, whether the one before was acknowledged or not. Each send has a number of its own.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { RawSocket } from '../../bench/clients/raw-socket.js'
import type { Called, Heard, Published } from './evidence.js'

interface Reply {
  error?: { code: number; message: string; temporary?: boolean }
  rpc?: { data?: { text?: string; by?: string } }
}

interface Line extends Reply {
  id?: number
  push?: { pub?: { offset?: number }; unsubscribe?: { code: number } }
}

export interface ClientOptions {
  name: string
  channel: string
  /** Connected and subscribed. */
  socket: RawSocket
  record(event: Readonly<Record<string, unknown>>): void
  /** The socket has ended, or its subscription has. */
  onDrop(why: string): void
  /** Fires when nothing more is waited for. */
  signal: AbortSignal
}

export interface Client {
  readonly heard: Heard
  callRpc(): Promise<Called>
  publish(): Promise<Published>
}

const answerWithinMs = 5_000
const beforeRepeatMs = 100

/** The ids of connect and subscribe are below. */
const firstId = 10

export function createClient({ name, channel, socket, record, onDrop, signal }: ClientOptions): Client {
  const heard: Heard = { client: name, channel, publications: 0, disordered: 0 }
  const waiting = new Map<number, (reply: Reply | undefined) => void>()
  let [ids, calls, publications, sends, lastOffset] = [firstId, 0, 0, 0, 0]

  const hear = (offset: number): void => {
    heard.publications += 1
    if (offset <= lastOffset) heard.disordered += 1
    lastOffset = offset
  }

  const take = (line: string): void => {
    if (line === '{}') return socket.send('{}')
    const { id, push, ...reply } = JSON.parse(line) as Line
    if (push?.pub !== undefined) hear(push.pub.offset ?? 0)
    if (push?.unsubscribe !== undefined) onDrop(`unsubscribed with ${push.unsubscribe.code}`)
    if (id !== undefined) waiting.get(id)?.(reply)
  }

  socket.reader.readsAll = true
  socket.onText = (text) => text.split('\n').forEach(take)
  socket.onClose = onDrop

  /** Undefined: no answer in time. */
  const ask = (command: string): Promise<Reply | undefined> =>
    new Promise((resolve) => {
      const id = (ids += 1)
      const timer = setTimeout(() => settle(undefined), answerWithinMs)
      const settle = (reply: Reply | undefined): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onOver)
        waiting.delete(id)
        resolve(reply)
      }
      const onOver = (): void => settle(undefined)
      signal.addEventListener('abort', onOver, { once: true })
      waiting.set(id, settle)
      socket.send(`{"id":${id},${command}}`)
    })

  /** CL1 */
  const askUntilAnswered = async (
    what: string,
    commandOf: () => string,
  ): Promise<{ called: Called; reply: Reply | undefined }> => {
    const startMs = performance.now()
    for (let sent = 1; ; sent += 1) {
      const reply = await ask(commandOf())
      const why = reply === undefined ? 'no answer' : reply.error && `error ${reply.error.code}`
      const called = { client: name, sends: sent, tookMs: performance.now() - startMs }
      if (why !== undefined) record({ client: name, what, sent, why })
      if (reply !== undefined && reply.error === undefined)
        return { called: { ...called, outcome: 'answered' }, reply }
      if (reply?.error !== undefined && reply.error.temporary !== true)
        return { called: { ...called, outcome: 'refused', why: `${why}: ${reply.error.message}` }, reply }
      if (signal.aborted)
        return { called: { ...called, outcome: 'unanswered', why: why ?? '' }, reply: undefined }
      await delay(beforeRepeatMs)
    }
  }

  return {
    heard,
    callRpc: async () => {
      const text = `${name} ${(calls += 1)}`
      const data = JSON.stringify(text)
      const { called, reply } = await askUntilAnswered(
        `rpc ${text}`,
        () => `"rpc":{"method":"echo","data":${data}}`,
      )
      const answer = reply?.rpc?.data
      if (called.outcome !== 'answered') return called
      if (answer?.text !== text) return { ...called, outcome: 'wrong', why: JSON.stringify(answer) }
      return answer.by === undefined ? called : { ...called, by: answer.by }
    },
    publish: async () => {
      const n = publications
      publications += 1
      const { called } = await askUntilAnswered(`publish ${n}`, () => {
        const data = { id: `${name}:${n}`, client: name, n, send: (sends += 1) } // CL2
        return `"publish":{"channel":${JSON.stringify(channel)},"data":${JSON.stringify(data)}}`
      })
      return { ...called, channel, n }
    },
  }
}
