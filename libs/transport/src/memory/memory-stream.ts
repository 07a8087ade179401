/** Both ends of a response that stays open, without a network: what is written in a turn arrives after it. */
import type { HttpAnswer } from '../transport.js'
import type { Pipe } from '../stream/stream-socket.js'

/** The client's end. */
export class MemoryStream {
  readonly accepted = true
  /** True: ended in order. False: cut. */
  readonly ended: Promise<boolean>
  private settle: (isInOrder: boolean) => void = () => {}
  private readonly unread: Uint8Array[] = []
  private receive = (bytes: Uint8Array): void => void this.unread.push(bytes)

  constructor(
    readonly headers: Readonly<Record<string, string>>,
    private readonly pipe: MemoryPipe,
  ) {
    this.ended = new Promise((resolve) => {
      this.settle = resolve
    })
    pipe.attach({
      receive: (bytes) => this.receive(bytes),
      over: (isInOrder) => this.settle(isInOrder),
    })
  }

  /** What has arrived, and what will. */
  read(receive: (bytes: Uint8Array) => void): void {
    this.receive = receive
    for (const bytes of this.unread.splice(0)) receive(bytes)
  }

  /** Stops reading: what the server writes waits. */
  pause(): void {
    this.pipe.setPaused(true)
  }

  resume(): void {
    this.pipe.setPaused(false)
  }

  /** Goes away, in a later turn. */
  abort(): void {
    setImmediate(() => {
      this.pipe.abort()
      this.settle(false)
    })
  }
}

export interface MemoryAnswer extends HttpAnswer {
  readonly accepted: false
}

interface Peer {
  receive(bytes: Uint8Array): void
  over(isInOrder: boolean): void
}

/** The server's. */
export class MemoryPipe implements Pipe {
  ends: { writable(): void; gone(): void } | undefined
  private peer: Peer | undefined
  private readonly waiting: Uint8Array[] = []
  private isPaused = false
  private isOver = false
  private isFlushPlanned = false

  attach(peer: Peer): void {
    this.peer = peer
    this.planFlush()
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused
    if (!isPaused) this.planFlush()
  }

  write(bytes: Uint8Array): boolean {
    this.waiting.push(bytes)
    this.planFlush()
    return !this.isPaused
  }

  nudge(): void {}

  end(): void {
    this.isOver = true
    this.planFlush()
  }

  cut(): void {
    this.waiting.length = 0
    this.isOver = true
    this.peer?.over(false)
  }

  abort(): void {
    if (this.isOver) return
    this.isOver = true
    this.ends?.gone()
  }

  private planFlush(): void {
    if (this.isFlushPlanned) return
    this.isFlushPlanned = true
    setImmediate(() => {
      this.isFlushPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    if (this.isPaused || this.peer === undefined) return
    for (const bytes of this.waiting.splice(0)) this.peer.receive(bytes)
    if (this.isOver) return this.peer.over(true)
    this.ends?.writable()
  }
}
