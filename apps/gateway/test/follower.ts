/** A client that reads a channel on a bare socket, can stop reading, and resumes by position when its connection has ended. */
import { MisbehavingPeer, type PeerClose } from '@natter/testing'
import type { Incoming } from './harness.js'

interface Numbered {
  offset: number
  data: { n: number }
}

export class Follower {
  /** The number in each publication, as they came, over all connections. */
  readonly seen: number[] = []
  /** What must not happen: errors, recoveries that failed, subscriptions that were taken away. */
  readonly complaints: Incoming[] = []
  private position: { epoch: string; offset: number } | undefined
  private peer: MisbehavingPeer | undefined
  private isSubscribed = false
  private closed: Promise<PeerClose> = Promise.resolve({ code: 1005, reason: '' })
  private readonly looking = new Set<() => void>()

  constructor(
    private readonly port: number,
    private readonly channel: string,
  ) {}

  /** Connects and subscribes, from its position if it has one; resolves with the reply to the subscribe. */
  async connect(): Promise<void> {
    this.isSubscribed = false
    this.peer = await MisbehavingPeer.connect({ port: this.port })
    this.closed = this.follow(this.peer)
    const { channel, position } = this
    const subscribe = position === undefined ? { channel } : { channel, recover: true, ...position }
    this.peer.send(`{"id":1,"connect":{}}\n${JSON.stringify({ id: 2, subscribe })}`)
    await this.until(() => this.isSubscribed)
  }

  stopReading(): void {
    this.peer?.pause()
  }

  /** Reads on; resolves with the close of its connection, when all that came before it is in `seen`. */
  readOn(): Promise<PeerClose> {
    this.peer?.resume()
    return this.closed
  }

  reached(n: number): Promise<void> {
    return this.until(() => (this.seen.at(-1) ?? 0) >= n)
  }

  end(): void {
    this.peer?.destroy()
  }

  private until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isTrue()) return
        this.looking.delete(look)
        resolve()
      }
      this.looking.add(look)
      look()
    })
  }

  private async follow(peer: MisbehavingPeer): Promise<PeerClose> {
    for (let read = 0; ; read += 1) {
      const message = await peer.received(read + 1).catch(() => undefined)
      if (message === undefined) return peer.closed
      for (const line of String(message[read]).split('\n')) this.take(peer, JSON.parse(line) as Incoming)
      for (const look of this.looking) look()
    }
  }

  private take(peer: MisbehavingPeer, message: Incoming): void {
    const { id, push, subscribe } = message
    if (push?.pub !== undefined) this.takePublication(push.pub as Numbered)
    else if (push?.join !== undefined || push?.leave !== undefined || id === 1) return
    else if (id === 2 && subscribe !== undefined) this.takeReply(subscribe as Incoming)
    else if (Object.keys(message).length === 0) peer.send('{}')
    else this.complaints.push(message)
  }

  private takeReply(reply: Incoming): void {
    if (this.position !== undefined && reply['recovered'] !== true) this.complaints.push(reply)
    this.position = { epoch: String(reply['epoch']), offset: Number(reply['offset'] ?? 0) }
    for (const publication of (reply['publications'] ?? []) as Numbered[]) this.takePublication(publication)
    this.isSubscribed = true
  }

  private takePublication({ offset, data }: Numbered): void {
    this.seen.push(data.n)
    if (this.position !== undefined) this.position.offset = offset
  }
}
