/**
 * A client of a {@link TestMesh}: what an SDK does, without its reconnects.
 *
 * C1. What an app refuses rejects with {@link Refused}, as the client would be told; other errors are those of the kit, or of the test.
 * C2. What came is kept until it is asked for by `next`, each once, in its order.
 */
import { ClientError, DisconnectError, type RefusalError } from '@natter/hooks'
import { InvalidError } from '@natter/primitives'
import type { Bytes, StreamPosition } from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import type { Connection, MemoryMesh } from '../driver/memory/index.js'
import { memberOf, publicationOf, type Member, type StoredPublication } from '../natter.js'
import { decodeValue, encodeValue } from '../pipeline/json.js'
import type { Closed, TestEnd } from './test-end.js'

/** A refusal, as the client is told it. `code` below 2000: an error reply. From 3000 on: the connection was closed, `message` is the reason. */
export class Refused extends Error {
  override readonly name = 'Refused'

  constructor(
    readonly code: number,
    message: string,
    readonly temporary = false,
    /** What the app said is wrong with the data. Clients on the wire are told the first of it, in the message. */
    readonly details?: RefusalError['details'],
  ) {
    super(message)
  }
}

/** A running rpc: its progress as it comes, and its reply. */
export interface TestCall<Reply, Progress> {
  /** Ends with the reply, or the refusal. */
  readonly progress: AsyncIterable<Progress>
  readonly reply: Promise<Reply>
}

export class TestClient {
  /** What the connect hook gave to the client; undefined = nothing. */
  readonly data: unknown

  /** @internal By `TestMesh.connect`. */
  constructor(
    private readonly mesh: MemoryMesh,
    private readonly connection: Connection,
    private readonly end: TestEnd,
    data: Bytes | undefined,
  ) {
    this.data = decoded(data)
  }

  /** Resolves when the connection has ended, whoever ended it. */
  get closed(): Promise<Closed> {
    return this.end.whenClosed
  }

  /** The connection's id. */
  get id(): string {
    return this.connection.id
  }

  get user(): string {
    return this.connection.identity.user
  }

  /** Its channels now, whoever subscribed it. */
  get channels(): string[] {
    return [...this.connection.subscriptions.keys()]
  }

  /** Resolves with the data that the app gives to the subscriber. @throws Refused */
  async subscribe(channel: string, data?: unknown, token?: string): Promise<unknown> {
    const asked = { ...payload(data), ...(token === undefined ? {} : { token }) }
    return decoded(await this.run(() => this.mesh.commands.subscribe(this.connection, channel, asked)))
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.run(() => this.mesh.commands.unsubscribe(this.connection, channel))
  }

  /** Resolves when it is stored. @throws Refused */
  async publish(channel: string, data: unknown): Promise<void> {
    const bytes = encodeValue(data, 'json')
    await this.run(() => this.mesh.commands.publish(this.connection, channel, bytes))
  }

  /** @throws Refused */
  async rpc<Reply = unknown>(method: string, data?: unknown): Promise<Reply> {
    const { data: bytes } = payload(data)
    return decoded(await this.run(() => this.mesh.commands.rpc(this.connection, method, bytes))) as Reply
  }

  /** An rpc whose handler says how far it is. */
  call<Reply = unknown, Progress = unknown>(method: string, data?: unknown): TestCall<Reply, Progress> {
    const id = randomUUID()
    const pieces = this.end.inbox.follow(id)
    const reply = this.rpc<Reply>(`${method}#${id}`, data).finally(() => pieces.end())
    reply.catch(() => undefined) // whoever reads is told
    return { reply, progress: pieces.read<Progress>(reply) }
  }

  /** At most once, without an answer. @throws Refused no app listens. */
  async send(data?: unknown): Promise<void> {
    const { data: bytes } = payload(data)
    await this.run(async () => this.mesh.commands.send(this.connection, bytes))
  }

  /** @throws Refused */
  async presence(channel: string): Promise<Member[]> {
    const members = await this.run(() => this.mesh.commands.presence(this.connection, channel))
    return [...members.values()].map(memberOf)
  }

  /** Default: the position alone. @throws Refused */
  async history<T = unknown>(
    channel: string,
    {
      limit = 0,
      since,
      isReverse = false,
    }: { limit?: number; since?: StreamPosition; isReverse?: boolean } = {},
  ): Promise<{ publications: StoredPublication<T>[]; position: StreamPosition }> {
    const query = { limit, isReverse, ...(since === undefined ? {} : { since }) }
    const { publications, offset, epoch } = await this.run(() =>
      this.mesh.commands.history(this.connection, channel, query),
    )
    return {
      publications: publications.map((one) => publicationOf<T>(one, 'json')),
      position: { offset, epoch },
    }
  }

  /**
   * The next publication in the channel that `fits`; earlier ones are passed over. Waits for handlers at work, in real time, but for no
   * timer: {@link TestMesh.advance} moves time.
   *
   * @throws Error when the mesh is idle and nothing came, with what did come.
   */
  async next<T = unknown>(
    channel: string,
    fits: (publication: StoredPublication<T>) => boolean = () => true,
  ): Promise<StoredPublication<T>> {
    const waiter = this.end.inbox.wait(channel, fits as (publication: StoredPublication) => boolean)
    const atWork = await Promise.race([
      waiter.arrived.then((): string[] => []),
      this.mesh.atWork.settled(handlersEndMs),
    ])
    waiter.cancel()
    if (waiter.found !== undefined) return waiter.found as StoredPublication<T>
    throw new Error(this.nothingCame(channel, waiter.passedOver, atWork))
  }

  /** How the server has ended the subscription; waits for that. */
  unsubscribed(channel: string): Promise<Closed> {
    return this.end.whenUnsubscribed(channel)
  }

  /** The client leaves, as the SDK does: without a code, which is 1005. */
  async disconnect(): Promise<void> {
    this.mesh.connections.close(this.connection, { code: 1005, reason: '' })
  }

  private nothingCame(channel: string, passedOver: number, atWork: readonly string[]): string {
    const { ending } = this.end
    const reasons: string[] = []
    if (ending !== undefined) reasons.push(`its connection was closed: ${ending.code} ${ending.reason}`)
    else if (!this.channels.includes(channel)) reasons.push("it isn't subscribed to that channel")
    if (passedOver > 0) reasons.push(`${passedOver} came that didn't fit`)
    if (atWork.length > 0) reasons.push(`still at work: ${atWork.join(', ')}`)
    if (reasons.length === 0) reasons.push('the mesh is idle, and only mesh.advance() moves its time')
    return `Nothing came for ${this.user || `client ${this.id}`} in "${channel}": ${reasons.join('; ')}.`
  }

  /** C1. A `DisconnectError` closes the connection, as a gateway does. */
  private async run<T>(command: () => Promise<T>): Promise<T> {
    const { ending } = this.end
    if (ending !== undefined)
      throw new InvalidError('client-closed', `This client is gone: ${ending.code} ${ending.reason}`)
    try {
      return await command()
    } catch (error) {
      if (error instanceof DisconnectError) this.mesh.connections.close(this.connection, error)
      throw refusedOf(error)
    }
  }
}

/** In real time: after that `next` says that a handler is still at work. */
const handlersEndMs = 2_000

export function refusedOf(error: unknown): unknown {
  if (error instanceof DisconnectError) return new Refused(error.code, error.reason)
  if (!(error instanceof ClientError)) return error
  return new Refused(error.code, error.message, error.temporary, error.details)
}

const payload = (data: unknown): { data?: Bytes } =>
  data === undefined ? {} : { data: encodeValue(data, 'json') }

const decoded = (data: Bytes | undefined): unknown => decodeValue(data, 'json')
