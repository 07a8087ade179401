/**
 * The raw wire, as little of it as a judge needs: no library of the mesh's own between the socket and the record.
 *
 * W1. Replies and pushes are handed over in the order of the wire, in the turn in which they arrive: what is recorded of them is in
 *     that order too.
 * W2. `onClose` comes once, and nothing after it; commands without a reply are then lost.
 */
import { WebSocket } from 'ws'
import { dataTextsOf } from './publication-data.js'

export interface WirePublication {
  offset: number
  /** The text of the data, as it stood in the frame. */
  data: string
}

export interface WireReply {
  error?: { code: number; message: string }
  subscribe?: { epoch: string; offset: number; recovered: boolean; publications: WirePublication[] }
}

export interface WireHandlers {
  onPublication(channel: string, publication: WirePublication): void
  onUnsubscribe(channel: string, code: number): void
  onClose(code: number): void
}

interface RawReply {
  id?: number
  error?: { code: number; message: string }
  subscribe?: { epoch?: string; offset?: number; recovered?: boolean; publications?: { offset?: number }[] }
  push?: { channel: string; pub?: { offset?: number }; unsubscribe?: { code: number } }
}

/** How long a gateway may take to answer: longer than the 3.8 s after which it gives up by itself, shorter than a long pause. */
const answerTimeoutMs = 5_000

let lastNumber = 0

export class Connection {
  /** Of all connections of this process. */
  readonly number = (lastNumber += 1)
  private lastId = 0
  private readonly asked = new Map<number, { onReply(reply: WireReply): void; deadlineMs: number }>()
  private isClosed = false
  private watch: NodeJS.Timeout | undefined

  private constructor(
    private readonly socket: WebSocket,
    private readonly handlers: WireHandlers,
  ) {}

  /** Connects; undefined when the gateway isn't there or doesn't answer. Nothing is handed over before that. */
  static async open(
    port: number,
    handlers: WireHandlers,
    host = '127.0.0.1',
  ): Promise<Connection | undefined> {
    const socket = new WebSocket(`ws://${host}:${port}/connection/websocket`, { handshakeTimeout: 3_000 })
    const connection = new Connection(socket, handlers)
    return await new Promise((resolve) => {
      let isOpen = false
      socket.on('error', () => socket.terminate())
      socket.on('close', (code) => {
        if (isOpen) connection.closed(code)
        else resolve(undefined)
        connection.stopWatch()
      })
      socket.on('message', (bytes: Buffer) => connection.receive(bytes.toString('utf8')))
      socket.on('open', () => {
        connection.watch = setInterval(() => connection.expire(), 500)
        connection.ask('"connect":{}', (reply) => {
          isOpen = reply.error === undefined
          if (isOpen) resolve(connection)
          else socket.terminate()
        })
      })
    })
  }

  /** `command` is the text between the braces, without the id. `onReply` isn't called when the connection ends first. */
  ask(command: string, onReply: (reply: WireReply) => void): void {
    this.askAll([{ command, onReply }])
  }

  /** All in one frame. */
  askAll(commands: readonly { command: string; onReply(reply: WireReply): void }[]): void {
    const lines = commands.map(({ command, onReply }) => {
      const id = (this.lastId += 1)
      this.asked.set(id, { onReply, deadlineMs: Date.now() + answerTimeoutMs })
      return `{"id":${id},${command}}`
    })
    this.socket.send(lines.join('\n'))
  }

  /** Reads nothing until `resume`: what comes waits in the kernel, then at the gateway. */
  pause(): void {
    this.socket.pause()
    // its own silence is no fault of the gateway
    for (const entry of this.asked.values()) entry.deadlineMs = Infinity
  }

  resume(): void {
    this.socket.resume()
    for (const entry of this.asked.values()) entry.deadlineMs = Date.now() + answerTimeoutMs
  }

  /** Cuts it; `onClose` follows. */
  cut(): void {
    this.socket.terminate()
  }

  private receive(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '{}') this.socket.send('{}')
      else if (!this.isClosed) this.take(JSON.parse(line) as RawReply, dataTextsOf(line)) // W1
    }
  }

  private take({ id, error, subscribe, push }: RawReply, data: readonly string[]): void {
    if (push?.pub !== undefined)
      this.handlers.onPublication(push.channel, { offset: push.pub.offset ?? 0, data: data[0] ?? '' })
    else if (push?.unsubscribe !== undefined) this.handlers.onUnsubscribe(push.channel, push.unsubscribe.code)
    if (id === undefined) return
    const entry = this.asked.get(id)
    this.asked.delete(id)
    const reply: WireReply = {}
    if (error !== undefined) reply.error = error
    if (subscribe !== undefined) {
      const { epoch = '', offset = 0, recovered = false } = subscribe
      const publications = (subscribe.publications ?? []).map((raw, n) => ({
        offset: raw.offset ?? 0,
        data: data[n] ?? '',
      }))
      reply.subscribe = { epoch, offset, recovered, publications }
    }
    entry?.onReply(reply)
  }

  private expire(): void {
    const now = Date.now()
    for (const { deadlineMs } of this.asked.values()) if (deadlineMs < now) return this.cut()
  }

  private closed(code: number): void {
    if (this.isClosed) return
    this.isClosed = true // W2
    this.asked.clear()
    this.handlers.onClose(code)
  }

  private stopWatch(): void {
    clearInterval(this.watch)
  }
}
