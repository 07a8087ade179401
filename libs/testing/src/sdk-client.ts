import { Centrifuge, type Options, type PublicationContext, type Subscription } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { WebSocket } from 'ws'

type Encoding = 'json' | 'protobuf'

/** The same class twice, as far as its types say. */
const builds: Record<Encoding, typeof Centrifuge> = {
  json: Centrifuge,
  protobuf: ProtobufCentrifuge as unknown as typeof Centrifuge,
}

export interface SdkClient {
  readonly centrifuge: Centrifuge
  /** Publications by channel, in the order the SDK gave them. */
  readonly publications: ReadonlyMap<string, readonly PublicationContext[]>
  /** Subscribes, collects, and resolves when subscribed. */
  subscribe(channel: string, options?: Parameters<Centrifuge['newSubscription']>[1]): Promise<Subscription>
  /** Resolves when the channel has brought at least `count` publications. */
  received(channel: string, count: number): Promise<readonly PublicationContext[]>
  dispose(): void
}

/**
 * The official SDK over the `ws` package, connected. Rejects when the server says no or `timeoutMs` (5,000) has passed.
 *
 * @param encoding In Protobuf all data are bytes.
 */
export async function connectSdk(
  url: string,
  { encoding = 'json', ...options }: Partial<Options> & { encoding?: Encoding } = {},
  timeoutMs = 5_000,
): Promise<SdkClient> {
  const centrifuge = new builds[encoding](url, { websocket: WebSocket, ...options })
  const client = new CollectingClient(centrifuge)
  const refused = new Promise<never>((_resolve, reject) => {
    centrifuge.once('disconnected', ({ code, reason }) =>
      reject(new Error(`disconnected: ${code} ${reason}`)),
    )
  })
  centrifuge.connect()
  try {
    await Promise.race([centrifuge.ready(timeoutMs), refused])
  } catch (error) {
    client.dispose()
    throw error
  }
  refused.catch(() => {})
  return client
}

class CollectingClient implements SdkClient {
  readonly publications = new Map<string, PublicationContext[]>()
  private readonly listeners = new Set<() => void>()

  constructor(readonly centrifuge: Centrifuge) {}

  async subscribe(
    channel: string,
    options?: Parameters<Centrifuge['newSubscription']>[1],
  ): Promise<Subscription> {
    const subscription = this.centrifuge.newSubscription(channel, options)
    subscription.on('publication', (publication) => {
      this.list(channel).push(publication)
      for (const listener of this.listeners) listener()
    })
    subscription.subscribe()
    await subscription.ready(5_000)
    return subscription
  }

  async received(channel: string, count: number): Promise<readonly PublicationContext[]> {
    const list = this.list(channel)
    while (list.length < count) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.listeners.delete(listener)
          resolve()
        }
        this.listeners.add(listener)
      })
    }
    return list
  }

  dispose(): void {
    this.centrifuge.disconnect()
    this.centrifuge.removeAllListeners()
  }

  private list(channel: string): PublicationContext[] {
    const list = this.publications.get(channel) ?? []
    this.publications.set(channel, list)
    return list
  }
}
