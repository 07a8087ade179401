/**
 * The client's values in React.
 *
 * R1. Values are read with `useSyncExternalStore`: what a component shows is of one moment, and nothing is set after it has gone.
 * R2. A channel is subscribed while a component shows it, once for all of them; a component that React mounts twice (StrictMode), or takes
 *     off and puts back in one turn, asks the server nothing.
 * R3. The same value is the same object: a component that gets it again doesn't draw again.
 */
import { InvalidError } from '@natter/primitives'
import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react'
import type { Members } from '../channel/members.js'
import type { Publication } from '../channel/publication.js'
import type { PublishOptions } from '../channel/channel.js'
import type { ChannelOptions, Client } from '../client.js'
import type { ConnectionState } from '../connection/connection-state.js'
import type {
  ChannelNames,
  Contract,
  DataArgument,
  MemberOf,
  Methods,
  ProgressOf,
  PublicationOf,
  PublishOf,
  ReplyOf,
  RequestOf,
  WelcomeOf,
} from '../contract/contract.js'
import type { Published } from '../queue/publish-queue.js'
import type { Readable } from '../store.js'
import { ChannelView, type ChannelSnapshot, type ChannelViewOptions } from './channel-view.js'
import { RpcRun, type RpcState } from './rpc-run.js'

const Context = createContext<Client | undefined>(undefined)

/** Gives its children the client; whoever made the client closes it. */
export function NatterProvider(props: {
  /** Of any contract. */
  client: Pick<Client, 'sdk' | 'state' | 'close'>
  children?: ReactNode
}): ReactElement {
  return createElement(Context.Provider, { value: props.client as Client }, props.children)
}

export interface UseChannelOptions<Data, Info> extends ChannelViewOptions {
  /** Each live publication, once for each component that gives this; the newest function is called. */
  onPublication?: (publication: Publication<Data, Info>) => void
  /** How the channel is subscribed, from the next time that it is. */
  subscription?: ChannelOptions
}

export interface UsedChannel<Data, Sent, Info, Welcome> extends ChannelSnapshot<Data, Info, Welcome> {
  /** As the channel's `publish`; the same function as long as the channel is. */
  readonly publish: (data: Sent, options?: PublishOptions) => Promise<Published>
}

export interface UsedRpc<Arguments extends readonly unknown[], Reply, Progress> {
  /** A rejection that nobody catches is no error of the page: `state` tells it. */
  readonly call: (...data: Arguments) => Promise<Reply>
  readonly state: RpcState<Reply, Progress>
}

/** All of them, in the words of a contract. */
export interface Hooks<C extends Contract> {
  NatterProvider(props: { client: Client<C>; children?: ReactNode }): ReactElement
  useClient(): Client<C>
  useConnectionState(): ConnectionState
  /** The channel's newest publications, and who may be told. `undefined` = none for now. */
  useChannel<Name extends ChannelNames<C>>(
    name: Name | undefined,
    options?: UseChannelOptions<PublicationOf<C, Name>, MemberOf<C, Name>>,
  ): UsedChannel<PublicationOf<C, Name>, PublishOf<C, Name>, MemberOf<C, Name>, WelcomeOf<C, Name>>
  usePresence<Name extends ChannelNames<C>>(name: Name | undefined): Members<MemberOf<C, Name>>
  useRpc<Method extends Methods<C>>(
    method: Method,
  ): UsedRpc<DataArgument<RequestOf<C, Method>>, ReplyOf<C, Method>, ProgressOf<C, Method>>
}

/** The hooks with a contract's types; the same functions for all contracts. */
export function hooksFor<C extends Contract>(): Hooks<C> {
  return anyHooks as unknown as Hooks<C>
}

export function useClient(): Client {
  const client = useContext(Context)
  if (client === undefined)
    throw new InvalidError(
      'no-provider',
      'There is no client here: put a <NatterProvider client={…}> around it.',
    )
  return client
}

function useReadable<T>({ subscribe, get }: Readable<T>): T {
  return useSyncExternalStore(subscribe, get, get)
}

export function useConnectionState(): ConnectionState {
  return useReadable(useClient().state)
}

type AnyChannel = UsedChannel<unknown, unknown, unknown, unknown>

export function useChannel(
  name: string | undefined,
  { onPublication, subscription, history = 0, limit = 100 }: UseChannelOptions<unknown, unknown> = {},
): AnyChannel {
  const client = useClient()
  const newest = useRef(onPublication)
  useEffect(() => {
    newest.current = onPublication
  })
  const { view, publish } = useMemo(() => {
    if (name === undefined) return { view: noView, publish: nowhere }
    const channel = client.channel(name, subscription)
    const tell = (publication: Publication): void => newest.current?.(publication)
    const send: AnyChannel['publish'] = (data, options) => channel.publish(data, options)
    return { view: new ChannelView(channel, tell, { history, limit }), publish: send }
    // `subscription` is for the next subscribing: another object is no other channel
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [client, name, history, limit])
  const snapshot = useReadable<ChannelSnapshot>(view)
  return useMemo(() => ({ ...snapshot, publish }), [snapshot, publish]) // R3
}

const nothing: ChannelSnapshot = { state: { kind: 'idle' }, publications: [] }
const noView: Readable<ChannelSnapshot> = { get: () => nothing, subscribe: () => () => {} }
const nowhere: AnyChannel['publish'] = () =>
  Promise.reject(new InvalidError('no-channel', 'There is no channel to publish to yet.'))

const unknownMembers: Members = { kind: 'unknown' }
const noMembers: Readable<Members> = { get: () => unknownMembers, subscribe: () => () => {} }

export function usePresence(name: string | undefined): Members {
  const client = useClient()
  return useReadable(name === undefined ? noMembers : client.channel(name).members)
}

export function useRpc(method: string): UsedRpc<readonly unknown[], unknown, unknown> {
  const client = useClient()
  const run = useMemo(
    () => new RpcRun((...data) => client.rpc(method, ...(data as [unknown?]))),
    [client, method],
  )
  const state = useReadable(run.state)
  return useMemo(() => ({ call: run.call, state }), [run, state])
}

const anyHooks = { NatterProvider, useClient, useConnectionState, useChannel, usePresence, useRpc }
