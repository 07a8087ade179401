/** The official SDK as a client of the mesh contract, in either encoding: one connection, no second try. */
import { Centrifuge, type PublicationContext, type Subscription } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { WebSocket } from 'ws'
import { call } from '@natter/client'
import type { MeshClient } from '../../../libs/nest/test/mesh.contract.js'

interface Told {
  code: number
  reason: string
}

type Came = Pick<PublicationContext, 'data' | 'info' | 'tags' | 'offset'>

/** An error reply, or the end that came in its place. */
class SdkRefusal extends Error {
  readonly code: number
  readonly temporary: boolean

  constructor({ code, message, temporary = false }: { code: number; message: string; temporary?: boolean }) {
    super(message)
    this.code = code
    this.temporary = temporary
  }
}

const refusalOf = (error: unknown): SdkRefusal => new SdkRefusal(error as { code: number; message: string })
const endOf = ({ code, reason }: Told): SdkRefusal => new SdkRefusal({ code, message: reason })

export interface SdkRequest {
  token?: string
  data?: unknown
  headers?: Record<string, string>
}

type Encoding = 'json' | 'protobuf'

/** What the contract says as values is said in bytes there. */
const written = (encoding: Encoding, value: unknown): unknown =>
  encoding === 'json' || value === undefined ? value : Buffer.from(JSON.stringify(value))

function read(data: unknown): unknown {
  if (!ArrayBuffer.isView(data)) return data
  return data.byteLength === 0 ? undefined : JSON.parse(Buffer.from(data as Uint8Array).toString())
}

/** Rejects with `{ code, message }` where it isn't let in. */
export async function connectSdkMeshClient(
  url: string,
  request: SdkRequest,
  encoding: Encoding,
): Promise<SdkMeshClient> {
  const { token, data, headers } = request
  const Sdk = encoding === 'json' ? Centrifuge : (ProtobufCentrifuge as unknown as typeof Centrifuge)
  const sdk = new Sdk(url, {
    websocket: WebSocket,
    ...(token === undefined ? {} : { token }),
    ...(data === undefined ? {} : { data: written(encoding, data) }),
    ...(headers === undefined ? {} : { headers }),
  })
  const client = new SdkMeshClient(sdk, encoding)
  try {
    await client.connect()
    return client
  } catch (error) {
    client.end()
    throw error
  }
}

export class SdkMeshClient implements MeshClient {
  readonly closed: Promise<Told>
  id = ''
  data: unknown
  private readonly subscriptions = new Map<string, Subscription>()
  private readonly unread = new Map<string, Came[]>()
  private readonly waiting = new Map<string, ((came: Came) => void)[]>()

  constructor(
    private readonly sdk: Centrifuge,
    private readonly encoding: Encoding,
  ) {
    this.closed = new Promise((resolve) => {
      sdk.on('disconnected', ({ code, reason }) => resolve({ code, reason }))
      sdk.on('connecting', ({ code, reason }) => this.id !== '' && resolve({ code, reason }))
    })
    sdk.on('publication', (came) => this.take(came.channel, came))
  }

  async connect(): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => {
      this.sdk.on('connected', ({ client, data }) => {
        this.id = client
        this.data = read(data)
        resolve()
      })
      this.sdk.on('error', ({ error }) => reject(refusalOf(error)))
      this.sdk.on('disconnected', (told) => reject(endOf(told)))
    })
    this.sdk.connect()
    await connected
  }

  async subscribe(channel: string, data?: unknown, token?: string): Promise<unknown> {
    const subscription = this.sdk.newSubscription(channel, {
      ...(data === undefined ? {} : { data: this.written(data) }),
      ...(token === undefined ? {} : { token }),
    })
    this.subscriptions.set(channel, subscription)
    subscription.on('publication', (came) => this.take(channel, came))
    try {
      return await new Promise<unknown>((resolve, reject) => {
        subscription.on('subscribed', (context) => resolve(read(context.data)))
        subscription.on('error', ({ error }) => reject(refusalOf(error)))
        subscription.on('unsubscribed', (told) => reject(endOf(told)))
        subscription.subscribe()
      })
    } catch (error) {
      this.forget(channel, subscription)
      throw error
    }
  }

  /** The SDK doesn't say when the server has done it: what it asks next is answered after that. */
  async unsubscribe(channel: string): Promise<void> {
    const subscription = this.subscriptions.get(channel)
    if (subscription === undefined) return
    this.forget(channel, subscription)
    await this.sdk.rpc('a question that is answered in its turn', undefined).catch(() => undefined)
  }

  async publish(channel: string, data: unknown): Promise<void> {
    await this.asked(this.sdk.publish(channel, this.written(data)))
  }

  async rpc(method: string, data?: unknown): Promise<unknown> {
    const { data: reply } = await this.asked(this.sdk.rpc(method, this.written(data)))
    return read(reply)
  }

  call(method: string, data?: unknown): { progress: AsyncIterable<unknown>; reply: Promise<unknown> } {
    const running = call(this.sdk, method, this.written(data))
    return { progress: eachRead(running), reply: this.asked(Promise.resolve(running)).then(read) }
  }

  async send(data?: unknown): Promise<void> {
    await this.sdk.send(this.written(data))
  }

  async presence(channel: string): Promise<{ user: string; client: string }[]> {
    const { clients } = await this.asked(this.sdk.presence(channel))
    return Object.values(clients).map(({ user, client }) => ({ user, client }))
  }

  async history(channel: string, query: { limit: number }): Promise<{ publications: { data: unknown }[] }> {
    const { publications } = await this.asked(this.sdk.history(channel, query))
    return { publications: publications.map(({ data }) => ({ data: read(data) })) }
  }

  async next(channel: string): ReturnType<MeshClient['next']> {
    const { data, info, tags, offset } = await this.came(channel)
    return {
      data: read(data),
      ...(info === undefined
        ? {}
        : {
            info: {
              user: info.user,
              client: info.client,
              info: read(info.connInfo),
              channelInfo: read(info.chanInfo),
            },
          }),
      ...(tags === undefined ? {} : { tags }),
      ...(offset === undefined ? {} : { offset }),
    }
  }

  /** Of one that it asked for itself: the SDK gives no code for the others. */
  unsubscribed(channel: string): Promise<Told> {
    return new Promise((resolve) => {
      this.subscriptions.get(channel)?.on('unsubscribed', ({ code, reason }) => resolve({ code, reason }))
    })
  }

  async disconnect(): Promise<void> {
    this.sdk.disconnect()
  }

  end(): void {
    this.sdk.disconnect()
    this.sdk.removeAllListeners()
  }

  private written(value: unknown): unknown {
    return written(this.encoding, value)
  }

  private forget(channel: string, subscription: Subscription): void {
    this.subscriptions.delete(channel)
    subscription.unsubscribe()
    this.sdk.removeSubscription(subscription)
  }

  private async asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw refusalOf(error)
    }
  }

  private take(channel: string, came: Came): void {
    const first = this.waiting.get(channel)?.shift()
    if (first !== undefined) first(came)
    else this.unread.set(channel, [...(this.unread.get(channel) ?? []), came])
  }

  private async came(channel: string): Promise<Came> {
    const first = this.unread.get(channel)?.shift()
    if (first !== undefined) return first
    return new Promise((resolve) => {
      this.waiting.set(channel, [...(this.waiting.get(channel) ?? []), resolve])
    })
  }
}

async function* eachRead(pieces: AsyncIterable<unknown>): AsyncIterable<unknown> {
  for await (const piece of pieces) yield read(piece)
}
