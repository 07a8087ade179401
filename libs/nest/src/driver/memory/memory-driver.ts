/** One instance of an app in a {@link MemoryMesh}. */
import type { SubscriptionOptions } from '@natter/hooks'
import { InvalidError, UnavailableError } from '@natter/primitives'
import { Errors, isJson, type Bytes } from '@natter/protocol'
import type { AppSide, MeshDriver, Published, PublishOptions } from '../mesh-driver.js'
import type { Instance } from './apps.js'
import type { Channel, HistoryQuery } from './channels.js'
import type { MemoryMesh } from './memory-mesh.js'
import { badName } from './rules.js'

type State = { kind: 'new' } | { kind: 'started'; instance: Instance } | { kind: 'stopped' }

export class MemoryDriver implements MeshDriver {
  /** The mesh is one gateway, and all apps are in it. */
  readonly isHosted = true
  private state: State = { kind: 'new' }

  constructor(
    private readonly mesh: MemoryMesh,
    private readonly app: string,
  ) {}

  get isConnected(): boolean {
    return this.state.kind === 'started'
  }

  async start(side: AppSide): Promise<void> {
    if (this.state.kind === 'started')
      throw new InvalidError(
        'started-twice',
        'This app is in the mesh already: stop it before it starts again',
      )
    this.state = { kind: 'started', instance: this.mesh.apps.join(this.app, side) }
  }

  async drain(): Promise<void> {
    if (this.state.kind === 'started') this.mesh.apps.leave(this.state.instance)
  }

  async stop(): Promise<void> {
    await this.drain()
    this.state = { kind: 'stopped' }
  }

  async publish(channel: string, data: Bytes, options: PublishOptions): Promise<Published> {
    return this.accepting(channel, data).publish(data, options)
  }

  async broadcast(channels: readonly string[], data: Bytes, options: PublishOptions) {
    return channels.map((channel): Published | { error: Error } => {
      try {
        return this.accepting(channel, data).publish(data, options)
      } catch (error) {
        return { error: error as Error }
      }
    })
  }

  async presence(channel: string) {
    return this.channel(channel).presence
  }

  async history(name: string, query: HistoryQuery) {
    const channel = this.channel(name)
    if (!channel.namespace.isKept) throw refused('not-available', `Channel "${name}" is not kept: no history`)
    const result = channel.read(query)
    if (result !== 'other-epoch') return result
    throw refused('unrecoverable-position', Errors.unrecoverablePosition.message)
  }

  async subscribe(user: string, channel: string, options: SubscriptionOptions & { client?: string }) {
    const { client, ...terms } = options
    this.channel(channel)
    demandSomebody(user, client)
    for (const connection of this.connectionsOf(user, client))
      this.mesh.connections.subscribe(connection, channel, terms)
  }

  async unsubscribe(user: string, channel: string, options: Ending): Promise<void> {
    const { client, ...why } = options
    demandSomebody(user, client)
    demandCode(why.code, 2_000, 2_999)
    for (const connection of this.connectionsOf(user, client))
      this.mesh.connections.unsubscribe(connection, channel, why)
  }

  async disconnect(user: string, options: Ending): Promise<void> {
    const { client, ...why } = options
    demandSomebody(user, client)
    demandCode(why.code, 3_000, 4_999)
    for (const connection of this.connectionsOf(user, client)) this.mesh.connections.close(connection, why)
  }

  async blockUser(user: string, { expiresAtMs }: { expiresAtMs?: number }): Promise<void> {
    this.mustBeStarted()
    demandName(user)
    this.demandAhead(expiresAtMs)
    this.mesh.connections.block(user, expiresAtMs)
  }

  async unblockUser(user: string): Promise<void> {
    this.mustBeStarted()
    demandName(user)
    this.mesh.connections.unblock(user)
  }

  /** Nobody is let in by a token here: what apps make of one is theirs. */
  async revokeToken(tokenId: string, { expiresAtMs }: { expiresAtMs?: number }): Promise<void> {
    this.mustBeStarted()
    demandName(tokenId)
    this.demandAhead(expiresAtMs)
  }

  /** As {@link revokeToken}. */
  async invalidateUserTokens(
    user: string,
    { issuedBeforeMs = 0, expiresAtMs }: { issuedBeforeMs?: number; expiresAtMs?: number },
  ): Promise<void> {
    this.mustBeStarted()
    demandName(user)
    if (!Number.isFinite(issuedBeforeMs)) throw refused('bad-request', 'That is no moment')
    this.demandAhead(expiresAtMs)
  }

  private demandAhead(expiresAtMs: number | undefined): void {
    if (expiresAtMs === undefined || expiresAtMs > this.mesh.clock.now()) return
    throw refused('bad-request', 'The end of a revocation lies in the future')
  }

  private connectionsOf(user: string, client: string | undefined) {
    this.mustBeStarted()
    return this.mesh.connections.of(user, client)
  }

  /** @throws InvalidError `bad-request`: not JSON. */
  private accepting(name: string, data: Bytes): Channel {
    const channel = this.channel(name)
    if (isJson(data)) return channel
    throw refused('bad-request', `What is published into "${name}" is not JSON`)
  }

  /** @throws InvalidError `bad-request`: no name of a channel. */
  private channel(name: string): Channel {
    this.mustBeStarted()
    if (badName(name) !== undefined) throw refused('bad-request', `"${name}" is no name of a channel`)
    return this.mesh.channels.of(name)
  }

  private mustBeStarted(): void {
    if (this.state.kind === 'started') return
    const sentence = 'This app is not in the mesh: it has not started yet, or has stopped'
    throw new UnavailableError('not-started', sentence)
  }
}

interface Ending {
  client?: string
  code: number
  reason: string
}

const refused = (code: string, sentence: string) => new InvalidError(code, sentence)

function demandSomebody(user: string, client: string | undefined): void {
  if (user === '' && client === undefined)
    throw refused('bad-request', 'Anonymous clients have no user in common: name the client')
}

function demandName(name: unknown): void {
  if (typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= 512) return
  throw refused('bad-request', 'Name the user, or the id of the token, in 512 bytes at most')
}

function demandCode(code: number, from: number, to: number): void {
  if (!Number.isInteger(code) || code < from || code > to)
    throw refused('bad-request', `The code is from ${from} to ${to}, not ${code}`)
}
