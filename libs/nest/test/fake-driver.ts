import type { Caller, EventScope, HookEvent, HookKind, HookReply, HookRequest } from '@natter/hooks'
import { UnavailableError } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import type { AppSide, MeshDriver } from '../src/driver/mesh-driver.js'

export const caller: Caller = {
  client: 'c1',
  user: 'ann',
  node: 'gw1',
  headers: { authorization: 'Bearer x' },
  ip: '10.0.0.1',
  infoJson: '{"name":"Ann"}',
  metaJson: '{"roles":["member"]}',
}

export const bytesOf = (value: unknown): Bytes => Buffer.from(JSON.stringify(value))
export const valueOf = (data: Bytes | undefined): unknown =>
  data === undefined ? undefined : JSON.parse(Buffer.from(data).toString())

/** A mesh that does what a test tells it: asks, tells, and writes down what it was asked. */
export class FakeDriver implements MeshDriver {
  app: AppSide | undefined
  isConnected = false
  isHosted = false
  readonly calls: string[] = []
  readonly done: { name: keyof MeshDriver; args: unknown[] }[] = []
  /** What the next `start` or `drain` fails with. */
  failWith: Error | undefined
  private readonly draining: (() => void)[] = []

  /** Called when the app starts, drains, stops: for the order of things. */
  constructor(private readonly trace: (step: string) => void = () => undefined) {}

  async start(app: AppSide): Promise<void> {
    this.step('START')
    if (this.failWith !== undefined) throw this.failWith
    this.app = app
    this.isConnected = true
  }
  async drain(): Promise<void> {
    this.step('DRAIN')
    for (const tell of this.draining) tell()
    if (this.failWith !== undefined) throw this.failWith
  }
  async stop(): Promise<void> {
    this.step('STOP')
    this.isConnected = false
  }

  onDrain(tell: () => void): void {
    this.draining.push(tell)
  }

  private step(name: string): void {
    this.calls.push(name)
    this.trace(name)
  }

  async ask<K extends HookKind>(
    request: Extract<HookRequest, { kind: K }>,
    {
      signal = new AbortController().signal,
      progress,
    }: { signal?: AbortSignal; progress?: (data: Bytes) => void } = {},
  ): Promise<HookReply<K>> {
    if (this.app === undefined) throw new UnavailableError('not-started', 'The app has not started.')
    return this.app.answer<K>(request, { signal, progress: progress ?? (() => undefined) })
  }

  tell(event: HookEvent, scope: EventScope = 'group'): Promise<void> {
    return this.app!.hear(event, scope)
  }

  /** A client's side, shortly. */
  readonly client = {
    connect: (data?: unknown, token?: string) =>
      this.ask<'connect'>({
        kind: 'connect',
        caller: { ...caller, user: '' },
        ...optional(data),
        ...(token === undefined ? {} : { token }),
      }),
    subscribe: (channel: string, data?: unknown) =>
      this.ask<'subscribe'>({ kind: 'subscribe', caller, ...at(channel), ...optional(data) }),
    publish: (channel: string, data: unknown) =>
      this.ask<'publish'>({ kind: 'publish', caller, ...at(channel), data: bytesOf(data) }),
    rpc: (
      method: string,
      data?: unknown,
      call: { signal?: AbortSignal; progress?: (data: Bytes) => void } = {},
    ) => this.ask<'rpc'>({ kind: 'rpc', caller, method, call: 'call-1', ...optional(data) }, call),
  }

  private record<T>(name: keyof MeshDriver, args: unknown[], result: T): Promise<T> {
    this.done.push({ name, args })
    return Promise.resolve(result)
  }
  publish: MeshDriver['publish'] = (...args) =>
    this.record('publish', args, { position: { offset: 8, epoch: 'e' } })
  broadcast: MeshDriver['broadcast'] = (...args) => this.record('broadcast', args, [])
  presence: MeshDriver['presence'] = (...args) =>
    this.record(
      'presence',
      args,
      new Map([['c1', { user: 'ann', client: 'c1', connInfo: bytesOf({ name: 'Ann' }) }]]),
    )
  history: MeshDriver['history'] = (...args) =>
    this.record('history', args, {
      publications: [{ data: bytesOf({ text: 'hi' }), offset: 7, info: { user: 'ann', client: 'c1' } }],
      offset: 7,
      epoch: 'e',
    })
  subscribe: MeshDriver['subscribe'] = (...args) => this.record('subscribe', args, undefined)
  unsubscribe: MeshDriver['unsubscribe'] = (...args) => this.record('unsubscribe', args, undefined)
  disconnect: MeshDriver['disconnect'] = (...args) => this.record('disconnect', args, undefined)
  blockUser: MeshDriver['blockUser'] = (...args) => this.record('blockUser', args, undefined)
  unblockUser: MeshDriver['unblockUser'] = (...args) => this.record('unblockUser', args, undefined)
  revokeToken: MeshDriver['revokeToken'] = (...args) => this.record('revokeToken', args, undefined)
  invalidateUserTokens: MeshDriver['invalidateUserTokens'] = (...args) =>
    this.record('invalidateUserTokens', args, undefined)
}

const optional = (data: unknown) => (data === undefined ? {} : { data: bytesOf(data) })

export function at(channel: string) {
  const colon = channel.indexOf(':')
  return { channel, namespace: colon < 0 ? '' : channel.slice(0, colon) }
}
