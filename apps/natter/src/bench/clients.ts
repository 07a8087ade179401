/**
 * The connections of a load, by the official SDK.
 *
 * BC1. All that was opened is closed by `close`, whatever had become of it, and nothing is opened after that.
 */
import { InvalidError, UnavailableError } from '@natter/primitives'
import { Centrifuge, type Subscription } from 'centrifuge'

export interface ClientsPlan {
  /** Gateways in turn. */
  readonly urls: readonly string[]
  readonly channel: string
  readonly clients: number
  readonly token: string | undefined
}

export interface ClientsEvents {
  readonly onPublication: (data: unknown) => void
  /** A connection went away, and may come back by itself. */
  readonly onInterruption: () => void
}

const connectTimeoutMs = 10_000
/** Handshakes under way at once: a storm of them is another measurement. */
const connectsAtOnce = 20

export class Clients {
  private readonly opened: { client: Centrifuge; subscription?: Subscription }[] = []
  private isClosed = false

  constructor(
    private readonly plan: ClientsPlan,
    private readonly events: ClientsEvents,
  ) {}

  /** Resolves with the publisher once all subscribers are there. @throws InvalidError `bench-refused`; UnavailableError `bench-unreachable`. */
  async open(): Promise<Centrifuge> {
    const left = Array.from({ length: this.plan.clients }, (_, index) => index)
    const openSome = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined && !this.isClosed; next = left.shift())
        await this.subscribe(next)
    }
    await Promise.all(Array.from({ length: Math.min(connectsAtOnce, left.length) }, openSome))
    const publisher = this.connect(0)
    this.opened.push({ client: publisher })
    await publisher.ready(connectTimeoutMs).catch((error: unknown) => this.fail(error))
    return publisher
  }

  /** BC1 */
  close(): void {
    this.isClosed = true
    for (const { client, subscription } of this.opened) {
      subscription?.unsubscribe()
      client.disconnect()
    }
  }

  private connect(index: number): Centrifuge {
    const { urls, token } = this.plan
    const client = new Centrifuge(urls[index % urls.length] as string, {
      websocket: globalThis.WebSocket,
      ...(token === undefined ? {} : { token }),
    })
    client.connect()
    return client
  }

  private async subscribe(index: number): Promise<void> {
    const { channel } = this.plan
    const client = this.connect(index)
    const subscription = client.newSubscription(channel)
    this.opened.push({ client, subscription })
    client.on('connecting', ({ code }) => code > 0 && this.interrupted())
    subscription.on('publication', ({ data }) => this.events.onPublication(data))
    const refused = new Promise<never>((_, reject) => {
      subscription.once('unsubscribed', ({ code, reason }) =>
        reject(
          refusal(
            `Nobody may subscribe to ${channel} so: ${reason} (${code}). --channel and --user say another way.`,
          ),
        ),
      )
      client.once('disconnected', ({ code, reason }) => {
        this.interrupted()
        reject(refusal(`A gateway closed the connection: ${reason} (${code}). --user connects with a token.`))
      })
    })
    refused.catch(() => {}) // of one that is closed at the end
    subscription.subscribe()
    await Promise.race([subscription.ready(connectTimeoutMs), refused]).catch((error: unknown) =>
      this.fail(error),
    )
  }

  private interrupted(): void {
    if (!this.isClosed) this.events.onInterruption()
  }

  private fail(cause: unknown): never {
    if (cause instanceof InvalidError) throw cause
    const where = this.plan.urls.join(', ')
    throw new UnavailableError(
      'bench-unreachable',
      `No gateway answers at ${where} within ${connectTimeoutMs / 1000} s. --url says where one is.`,
      { cause },
    )
  }
}

const refusal = (sentence: string): InvalidError => new InvalidError('bench-refused', sentence)
