/** All of this compiles: a type that became too narrow is noticed here. */
import {
  channelName,
  channelParams,
  createClient,
  type Contract,
  type EventMessage,
  type MemberOf,
  type ProgressOf,
  type PublicationOf,
  type PublishOf,
  type ReplyOf,
  type RequestOf,
  type WelcomeOf,
} from '@natter/client'
import { hooksFor } from '@natter/client/react'
import { client, type ChatMesh, type Message } from './mesh.js'

/** Compiles only where both are the same type. */
/* oxlint-disable typescript/no-unnecessary-type-parameters -- that is how types are compared */
export const same = <A, B>(
  ..._proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]
): void => {}

same<PublicationOf<ChatMesh, 'chat::room'>, Message>()
same<PublicationOf<ChatMesh, 'chat:lobby'>, Message>()
same<PublishOf<ChatMesh, 'chat:lobby'>, { text: string }>()
same<PublishOf<ChatMesh, 'news'>, { headline: string }>()
same<PublicationOf<ChatMesh, 'chat:dm-ana-ben'>, { secret: string }>() // the narrower pattern
same<PublicationOf<ChatMesh, `chat:${string}`>, Message>()
same<PublicationOf<ChatMesh, '#ana'>, { note: string }>()
same<MemberOf<ChatMesh, 'chat::room'>, { name: string }>()
same<MemberOf<ChatMesh, 'news'>, unknown>()
same<WelcomeOf<ChatMesh, 'chat:lobby'>, { topic: string }>()
same<RequestOf<ChatMesh, 'report.build'>, { month: string }>()
same<RequestOf<ChatMesh, 'rooms.list'>, undefined>()
same<ReplyOf<ChatMesh, 'rooms.list'>, { name: string }[]>()
same<ReplyOf<ChatMesh, 'ping'>, undefined>()
same<ProgressOf<ChatMesh, 'report.build'>, { percent: number }>()
same<ProgressOf<ChatMesh, 'rooms.list'>, never>()
same<
  EventMessage<ChatMesh>,
  | { readonly event: 'typing'; readonly data: { room: string } }
  | { readonly event: 'seen'; readonly data: undefined }
>()

const room = String(Math.random())
const name: `chat:${string}` = channelName('chat::room', { room })
const params = channelParams('chat:dm-:one-:other', 'chat:dm-a-b')
same<typeof params, Readonly<Record<'one' | 'other', string>> | undefined>()

const chat = client.channel(name)
await chat.publish({ text: 'hi' }, { idempotencyKey: 'k' })
await client.channel(`chat:${room}`).publishNow({ text: 'hi' })
await client.channel('news').publish({ headline: 'x' })
for await (const { data, offset, gap, publisher } of chat.subscribe({ maxUnread: 5, whenFull: 'end' })) {
  same<typeof data, Message>()
  same<typeof offset, number | undefined>()
  if (gap?.reason === 'slow-reader') same<typeof gap.dropped, number>()
  same<NonNullable<NonNullable<typeof publisher>['info']>, { name: string }>()
}
for await (const { data } of client.channel('chat:dm-a-b').history({ limit: 5 }))
  same<typeof data, { secret: string }>()
chat.listen({ onPublication: ({ data }) => same<typeof data, Message>(), onJoin: ({ info }) => info?.name })
const [member] = await chat.presence()
same<
  typeof member,
  | {
      readonly client: string
      readonly user: string
      readonly info?: { name: string }
      readonly channelInfo?: unknown
    }
  | undefined
>()
const state = chat.state.get()
if (state.kind === 'subscribed') same<NonNullable<typeof state.welcome>, { topic: string }>()

const report = client.rpc('report.build', { month: '2026-11' })
for await (const { percent } of report) same<typeof percent, number>()
same<Awaited<typeof report>, { pages: number }>()
const rooms = await client.rpc('rooms.list')
same<typeof rooms, { name: string }[]>()
await client.rpc('ping')
await client.rpc('ping', 3)
await client.send('typing', { room })
await client.send('seen')

const free = createClient({ url: 'https://example.com', isConnecting: false })
await free.channel(room).publish({ anything: 1 })
await free.rpc('any', 1)
await free.rpc('any')
for await (const { data } of free.channel('a').subscribe()) same<typeof data, unknown>()

const { useChannel, usePresence, useRpc, useConnectionState } = hooksFor<ChatMesh>()
export function Page(): number {
  const { publications, publish } = useChannel(`chat:${room}`, { history: 20 })
  same<(typeof publications)[number]['data'], Message>()
  void publish({ text: 'x' })
  const presence = usePresence('chat:lobby')
  if (presence.kind === 'known')
    same<NonNullable<(typeof presence.members)[number]['info']>, { name: string }>()
  const { call, state: running } = useRpc('report.build')
  void call({ month: '2026-11' })
  if (running.kind === 'replied') same<typeof running.reply, { pages: number }>()
  if (running.kind === 'running') same<typeof running.progress, { percent: number } | undefined>()
  return useConnectionState().kind.length
}

/** Parts may be left out. */
export type Small = Contract & { rpc: { only: { reply: 1 } } }
same<ReplyOf<Small, 'only'>, 1>()
