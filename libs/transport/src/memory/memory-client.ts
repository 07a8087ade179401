import type { Frame } from '@natter/protocol'
import type { MemorySocket, MemoryWire } from './memory-socket.js'

export interface MemoryClose {
  code: number
  reason: string
}

/** The client's end of a socket in memory. */
export class MemoryClient implements MemoryWire {
  readonly accepted = true
  readonly messages: Frame[] = []
  readonly closedWith: Promise<MemoryClose>
  private settle: (close: MemoryClose) => void = () => {}

  constructor(
    private readonly socket: Pick<MemorySocket<unknown>, 'attach' | 'setPaused' | 'peerClosed'>,
    readonly subprotocol: string | undefined,
    private readonly deliver: (message: Uint8Array, isBinary: boolean) => void,
  ) {
    this.closedWith = new Promise((resolve) => {
      this.settle = resolve
    })
    socket.attach(this)
  }

  /** Arrives at the server in a later turn. */
  send(message: string | Uint8Array): void {
    const isBinary = typeof message !== 'string'
    setImmediate(() => this.deliver(isBinary ? message : Buffer.from(message), isBinary))
  }

  /** Stops reading: the server's frames wait. */
  pause(): void {
    this.socket.setPaused(true)
  }

  resume(): void {
    this.socket.setPaused(false)
  }

  close(code = 1000, reason = ''): void {
    setImmediate(() => {
      this.socket.peerClosed(code, reason)
      this.settle({ code, reason })
    })
  }

  receive(frame: Frame): void {
    this.messages.push(frame)
  }

  closed(code: number, reason: string): void {
    this.settle({ code, reason })
  }
}
