/** Nodes and clients for the gateway's tests: real sockets on free ports; the mesh behind them is in memory or real NATS. */
import {
  createTokenVerifier,
  namespaceSchema,
  NoTokens,
  resolveNamespace,
  type Namespace,
  type TokenVerifier,
} from '@natter/auth'
import { MemoryBroker, type Broker, type MemoryMesh } from '@natter/broker'
import { systemClock, type Clock } from '@natter/primitives'
import type { ChannelGrammar } from '@natter/protocol'
import { createUwsServer } from '@natter/transport'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { Gateway, type GatewayParts } from '../src/gateway.js'
import type { GatewayOptions } from '../src/gateway.options.js'
import type { Hooks } from '../src/hooks/hooks.js'
import type { HttpApiOptions } from '../src/http-api/http-api.options.js'
import type { HttpHooksTable } from '../src/http-hooks/http-hook.js'
import { Settings } from '../src/settings/settings.js'
import { jsonDialect, type Dialect } from './dialect.js'

const namespaceOptions = namespaceSchema({ duration: z.number() })

type NamespaceInput = z.input<typeof namespaceOptions>

const open: NamespaceInput = {
  presence: true,
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  allow_publish_for_client: true,
  allow_publish_for_anonymous: true,
  allow_presence_for_client: true,
  allow_presence_for_anonymous: true,
}

const openHistory: NamespaceInput = {
  ...open,
  allow_history_for_client: true,
  allow_history_for_anonymous: true,
}

/** As people write them. */
export function namespacesOf(inputs: Record<string, NamespaceInput>): ReadonlyMap<string, Namespace> {
  return new Map(
    Object.entries(inputs).map(([name, options]) => [
      name,
      resolveNamespace(name, namespaceOptions.parse(options)),
    ]),
  )
}

/** The namespaces of every test mesh, by what they stand for. */
export const namespaces = namespacesOf({
  '': open,
  room: { ...openHistory, keep: 'stream', join_leave: true, message_id: '/id' },
  deep: { ...openHistory, keep: 'stream', history_size: 1_000 },
  capped: { ...openHistory, keep: 'stream', history_size: 5 },
  ticker: {
    ...openHistory,
    keep: 'stream',
    allowed_delta_types: ['fossil'],
    delta_publish: true,
    allow_tags_filter: true,
  },
  sparse: { ...openHistory, keep: 'stream', allowed_delta_types: ['fossil'] },
  blind: {
    ...open,
    keep: 'stream',
    allowed_delta_types: ['fossil'],
    delta_publish: true,
    force_recovery: false,
    allow_positioning: true,
  },
  tagged: { ...open, allow_tags_filter: true },
  latest: { ...openHistory, keep: 'stream', force_recovery_mode: 'cache', allow_tags_filter: true },
  shown: {
    ...openHistory,
    keep: 'stream',
    force_recovery_mode: 'cache',
    auto_cache_recover: true,
    allowed_delta_types: ['fossil'],
    delta_publish: true,
  },
  brief: { ...openHistory, keep: 'stream', force_recovery_mode: 'cache', history_ttl: 300 },
  joins: { ...open, join_leave: true, force_push_join_leave: true },
  closed: {},
  members: { ...open, allow_publish_for_client: false, allow_publish_for_subscriber: true },
  insiders: {
    ...openHistory,
    keep: 'stream',
    allow_presence_for_client: false,
    allow_presence_for_subscriber: true,
    allow_history_for_client: false,
    allow_history_for_subscriber: true,
  },
})

export const clientOptions: GatewayOptions['client'] = {
  allowAnonymous: true,
  connectByApp: false,
  insecure: false,
  allowedOrigins: ['https://good.example'],
  maxMessageBytes: 65_536,
  maxQueueBytes: 1_048_576,
  maxChannels: 128,
  maxInFlight: 512,
  commandRate: 5_000,
  commandBurst: 10_000,
  userCommandRate: 0,
  userCommandBurst: 10_000,
  connectionRateLimit: 0,
  userConnectionLimit: 0,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 8_000,
  staleCloseMs: 10_000,
  expiredCloseDelayMs: 25_000,
  expiredSubCloseDelayMs: 25_000,
  disallowAnonymousTokens: false,
  hookHeaders: ['origin', 'user-agent', 'cookie'],
  historyPage: 300,
  recoveryPage: 300,
}

export const apiKey = 'a-key-of-backends'

export const httpApiOptions: HttpApiOptions = {
  host: '127.0.0.1',
  port: 0,
  isExternal: false,
  keys: [apiKey],
  isInsecure: false,
  errorMode: 'reply',
  maxBodyBytes: 1_048_576,
}

export interface TestNode {
  name: string
  gateway: Gateway
  /** What may be replaced while it runs. */
  settings: Settings
  broker: Broker
  url: string
  /** Where backends ask, without a path; '' = nowhere of its own. */
  apiUrl: string
  stop(): Promise<void>
}

export interface NodeOverrides {
  client?: Partial<GatewayOptions['client']>
  maxConnections?: number
  trustedProxies?: string[]
  secret?: string
  /** In place of one for `secret`. */
  verifier?: TokenVerifier
  prefix?: string
  hooks?: Hooks
  /** Default: the machine's. */
  clock?: Clock
  /** How channel names are read. Default: as usual. */
  grammar?: ChannelGrammar
  /** Default: those of every test mesh. */
  namespaces?: ReadonlyMap<string, Namespace>
  /** What is asked over HTTP. */
  httpHooks?: HttpHooksTable
  /** What backends may ask over HTTP, and how. Absent: nothing. */
  httpApi?: Partial<HttpApiOptions>
  /** Default: uWebSockets.js on a free port. */
  createServer?: GatewayParts['createServer']
}

let nodes = 0

export async function startNode(broker: Broker, overrides: NodeOverrides = {}): Promise<TestNode> {
  nodes += 1
  const name = `node-${nodes}`
  const options: GatewayOptions = {
    name,
    version: 'test',
    host: '127.0.0.1',
    port: 0,
    sharePort: false,
    maxConnections: overrides.maxConnections ?? 10_000,
    trustedProxies: overrides.trustedProxies ?? [],
    presenceTimeoutMs: 300,
    drain: { delayMs: 0, ratePerSecond: 5_000, deadlineMs: 4_500 },
    client: { ...clientOptions, ...overrides.client },
    ...(overrides.httpApi === undefined ? {} : { httpApi: { ...httpApiOptions, ...overrides.httpApi } }),
  }
  const { secret, prefix = 'natter' } = overrides
  const verifier = overrides.verifier ?? verifierOf(secret)
  const { httpHooks } = overrides
  const settings = new Settings({
    options,
    namespaces: overrides.namespaces ?? namespaces,
    verifier,
    ...(httpHooks === undefined ? {} : { httpHooks }),
  })
  const gateway = new Gateway({
    settings,
    prefix,
    broker,
    clock: overrides.clock ?? systemClock,
    ...(overrides.grammar === undefined ? {} : { grammar: overrides.grammar }),
    ...(overrides.hooks === undefined ? {} : { hooks: overrides.hooks }),
    createApiServer: (handlers) =>
      createUwsServer({ host: '127.0.0.1', port: 0, maxMessageBytes: 1_048_576 }, handlers),
    createServer:
      overrides.createServer ??
      ((handlers) =>
        createUwsServer(
          {
            host: '127.0.0.1',
            port: 0,
            maxMessageBytes: 65_536,
            maxQueueBytes: options.client.maxQueueBytes,
          },
          handlers,
        )),
  })
  const port = await gateway.start()
  const stop = async (): Promise<void> => {
    await gateway.stop()
    await broker.close()
  }
  const url = `ws://127.0.0.1:${port}/connection/websocket`
  const apiUrl = gateway.apiPort === undefined ? '' : `http://127.0.0.1:${gateway.apiPort}`
  return { name, gateway, settings, broker, url, apiUrl, stop }
}

const verifierOf = (secret: string | undefined): TokenVerifier =>
  secret === undefined
    ? new NoTokens()
    : createTokenVerifier({ connection: { hmacSecret: secret }, clock: systemClock })

export const startMemoryNode = (mesh: MemoryMesh, overrides?: NodeOverrides): Promise<TestNode> =>
  startNode(new MemoryBroker(mesh), overrides)

/** One incoming JSON object: a reply, a push, or `{}`. */
export type Incoming = Record<string, any> // oxlint-disable-line typescript/no-explicit-any -- tests read the wire's JSON as it is

/** A client that speaks by hand, JSON where nothing else is said, so that nothing an SDK does hides what the server did. */
export class RawClient {
  readonly received: Incoming[] = []
  closed: { code: number; reason: string } | undefined
  private ids = 0
  private readonly looking = new Set<() => void>()

  private constructor(
    readonly socket: WebSocket,
    private readonly dialect: Dialect,
  ) {
    socket.on('message', (data: Buffer) => {
      this.received.push(...dialect.decode(data))
      this.look()
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.look()
    })
    socket.on('error', () => {})
  }

  static async open(
    url: string,
    options: { headers?: Record<string, string>; protocol?: string; dialect?: Dialect } = {},
  ): Promise<RawClient> {
    const { headers = {}, dialect = jsonDialect, protocol = dialect.protocol } = options
    const protocols = protocol === undefined ? [] : [protocol]
    const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false })
    const raw = new RawClient(socket, dialect)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return raw
  }

  static async connect(url: string, request: object = {}, dialect = jsonDialect): Promise<RawClient> {
    const raw = await RawClient.open(url, { dialect })
    await raw.call('connect', request)
    return raw
  }

  text(text: string): void {
    this.socket.send(text)
  }

  send(...commands: object[]): void {
    this.socket.send(this.dialect.encode(commands))
  }

  /** Sends a command and answers its reply. */
  async call(method: string, request: object): Promise<Incoming> {
    const id = this.start(method, request)
    return this.reply(id)
  }

  start(method: string, request: object): number {
    this.ids += 1
    this.send({ id: this.ids, [method]: request })
    return this.ids
  }

  reply(id: number): Promise<Incoming> {
    return this.until(
      () => this.received.find((message) => message['id'] === id),
      `the reply to command ${id}`,
    )
  }

  pushes(channel: string): Incoming[] {
    return this.received
      .filter((message) => message['push']?.channel === channel)
      .map((message) => message['push'] as Incoming)
  }

  publications(channel: string): Incoming[] {
    return this.pushes(channel).flatMap((push) =>
      push['pub'] === undefined ? [] : [push['pub'] as Incoming],
    )
  }

  /** Resolves with the first defined answer of `check`, looked at after every message. */
  until<T>(check: () => T | undefined | false, what: string, timeoutMs = 6_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.looking.delete(look)
        reject(new Error(`${what} did not come; received ${JSON.stringify(this.received).slice(-600)}`))
      }, timeoutMs)
      const look = (): void => {
        const found = check()
        if (found === undefined || found === false) return
        clearTimeout(timer)
        this.looking.delete(look)
        resolve(found)
      }
      this.looking.add(look)
      look()
    })
  }

  close(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed, 'the close')
  }

  end(): void {
    this.socket.terminate()
  }

  private look(): void {
    for (const look of this.looking) look()
  }
}
