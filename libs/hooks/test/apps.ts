/** Apps and gateways on one mesh, for tests: handlers that answer, hang or wait until they are told. */
import { MemoryBroker, MemoryMesh, type Broker } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import {
  AppInstance,
  HookCaller,
  type AnswerTable,
  type AppCallbacks,
  type AppInstanceEvents,
  type Caller,
  type HookCallerEvents,
  type HookCallerOptions,
  type HookEvent,
  type HookReply,
  type HookRequest,
} from '../src/index.js'

export const caller: Caller = { client: 'c1', user: 'bob', node: 'g1', headers: {}, ip: '127.0.0.1' }

export const connect: HookRequest & { kind: 'connect' } = { kind: 'connect', caller }
export const publish = (channel = 'chat:a'): HookRequest & { kind: 'publish' } => {
  return { kind: 'publish', caller, namespace: 'chat', channel, data: Buffer.from('{"n":1}') }
}
export const subscribe = (channel = 'chat:a'): HookRequest & { kind: 'subscribe' } => {
  return { kind: 'subscribe', caller, namespace: 'chat', channel }
}
export const rpc = (method = 'add'): HookRequest & { kind: 'rpc' } => {
  return { kind: 'rpc', caller, method, call: 'c1:1', data: Buffer.from('hi') }
}

/** Answers everything that the tests ask. */
export const chatTable: AnswerTable = {
  connection: ['connect', 'refresh'],
  namespaces: { chat: ['subscribe', 'publish'] },
  rpc: { add: { idempotent: false }, list: { idempotent: true } },
  events: [
    { kind: 'disconnect', scope: 'group' },
    { kind: 'message', scope: 'group' },
    { kind: 'unsubscribe', scope: 'group', namespace: 'chat' },
    { kind: 'vacated', scope: 'all', namespace: 'chat' },
  ],
}

export const emptyTable: AnswerTable = { connection: [], namespaces: {}, rpc: {}, events: [] }

export type Handler = (request: HookRequest, signal: AbortSignal) => Promise<HookReply> | HookReply

/** Who answered, in the decision. */
export const answering =
  (name: string): Handler =>
  (request) => {
    if (request.kind === 'connect') return { decision: { user: name } }
    if (request.kind === 'rpc' || request.kind === 'publish') return { decision: { data: Buffer.from(name) } }
    return { decision: { dataJson: JSON.stringify(name) } }
  }

export const hanging: Handler = () => new Promise(() => {})

export interface TestApp {
  readonly app: AppInstance
  readonly name: string
  readonly asked: HookRequest[]
  readonly heard: HookEvent[]
  readonly broker: Broker
  /** Replaced at will. */
  handle: Handler
  hear: (event: HookEvent) => Promise<void>
}

export interface StartApp {
  app?: string
  table?: AnswerTable
  handle?: Handler
  broker: Broker
  clock?: ManualClock
  /** The gateway that loads it. */
  node?: string
}

export async function startApp(name: string, options: StartApp): Promise<TestApp> {
  const { app = 'chat', table = chatTable, handle = answering(name), broker, clock, node } = options
  const events = new TypedEvents<AppInstanceEvents>()
  const instance = new AppInstance({
    broker,
    app,
    instance: name,
    events,
    ...(node === undefined ? {} : { node }),
    ...(clock === undefined ? {} : { clock }),
  })
  const asked: HookRequest[] = []
  const heard: HookEvent[] = []
  const test: TestApp = { app: instance, name, asked, heard, broker, handle, hear: async () => {} }
  const side: AppCallbacks = {
    table,
    answer: (async (request: HookRequest, { signal }: { signal: AbortSignal }) => {
      asked.push(request)
      return test.handle(request, signal)
    }) as AppCallbacks['answer'],
    async hear(event) {
      heard.push(event)
      await test.hear(event)
    },
  }
  await instance.start(side)
  return test
}

export interface SeenEvent {
  name: keyof HookCallerEvents
  payload: unknown
}

/** What a gateway's caller told, in order. */
export function record(events: TypedEvents<HookCallerEvents>): SeenEvent[] {
  const seen: SeenEvent[] = []
  const names: (keyof HookCallerEvents)[] = [
    'app:up',
    'app:down',
    'app:left-out',
    'app:back',
    'hook:ask',
    'hook:timeout',
    'hook:answer',
    'event:told',
    'event:drop',
  ]
  for (const name of names) events.on(name, (payload) => seen.push({ name, payload }))
  return seen
}

/** A mesh in memory on a clock that the test moves. */
export function memoryApps(random: () => number = () => 0) {
  const clock = new ManualClock()
  const mesh = new MemoryMesh()
  const broker = (): MemoryBroker => new MemoryBroker(mesh, clock)
  return {
    clock,
    mesh,
    broker,
    app: (name: string, options: Partial<StartApp> = {}): Promise<TestApp> =>
      startApp(name, { broker: broker(), clock, ...options }),
    async gateway(options: Partial<HookCallerOptions> = {}) {
      const own = broker()
      const hooks = new HookCaller({ broker: own, clock, random, ...options })
      const seen = record(hooks.events)
      await hooks.start()
      await clock.advanceAsync(0)
      return { hooks, seen, broker: own }
    },
  }
}

export const namesIn = (seen: readonly SeenEvent[], name: keyof HookCallerEvents): unknown[] =>
  seen.filter((one) => one.name === name).map(({ payload }) => payload)
