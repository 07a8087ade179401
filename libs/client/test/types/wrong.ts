/** None of this compiles: each line marked with an expected error is one; a type that became too wide is noticed here. */
import { channelName, type PublishOf } from '@natter/client'
import { hooksFor } from '@natter/client/react'
import { client, type ChatMesh } from './mesh.js'

const chat = client.channel('chat:lobby')

// what is published
// @ts-expect-error -- a field is missing
await chat.publish({})
// @ts-expect-error -- a field is of another type
await chat.publish({ text: 1 })
// @ts-expect-error -- a field too many
await chat.publish({ text: 'x', from: 'ana' })
// @ts-expect-error -- clients don't publish here
await client.channel('orders:1').publish({ total: 1 })
// @ts-expect-error -- the same, at once
await client.channel('orders:1').publishNow({ total: 1 })
// @ts-expect-error -- the narrower pattern counts
await client.channel('chat:dm-a-b').publish({ text: 'x' })
// @ts-expect-error -- no data at all
await chat.publish()
// @ts-expect-error -- a key is a text
await chat.publish({ text: 'x' }, { idempotencyKey: 1 })

// channels
// @ts-expect-error -- no such namespace
client.channel('shop:1')
// @ts-expect-error -- any text is no name of a channel
client.channel(String(Math.random()))
// @ts-expect-error -- a name without a namespace that isn't declared
client.channel('weather')
// @ts-expect-error -- a parameter is missing
channelName('chat:dm-:one-:other', { one: 'a' })
// @ts-expect-error -- no such parameter
channelName('chat::room', { room: 'a', other: 'b' })
// @ts-expect-error -- parameters are texts
channelName('chat::room', { room: 1 })

// what is read
for await (const { data } of chat.subscribe()) {
  // @ts-expect-error -- no such field
  void data.headline
  // @ts-expect-error -- not a number
  const wrong: number = data.text
  void wrong
}
// @ts-expect-error -- no such option
chat.subscribe({ maxBuffered: 1 })
// @ts-expect-error -- said of another channel
chat.listen({ onPublication: ({ data }: { data: { headline: string } }) => data.headline })
const [member] = await chat.presence()
// @ts-expect-error -- may be absent
void member.info.name

// rpc
// @ts-expect-error -- no such method
void client.rpc('report.read')
// @ts-expect-error -- the request is missing
void client.rpc('report.build')
// @ts-expect-error -- of another type
void client.rpc('report.build', { month: 11 })
// @ts-expect-error -- takes no request
void client.rpc('rooms.list', { month: '2026-11' })
// @ts-expect-error -- answers pages
const reply: { lines: number } = await client.rpc('report.build', { month: '2026-11' })
void reply
// @ts-expect-error -- tells percents
for await (const { lines } of client.rpc('report.build', { month: '2026-11' })) void lines

// events
// @ts-expect-error -- no such event
await client.send('left', { room: 'a' })
// @ts-expect-error -- the data are missing
await client.send('typing')
// @ts-expect-error -- carries nothing
await client.send('seen', 1)

// on the server's side of the declaration
// @ts-expect-error -- what clients publish has no `from`
const draft: PublishOf<ChatMesh, 'chat::room'> = { text: 'x', from: 'ana' }
void draft

const { useChannel, useRpc } = hooksFor<ChatMesh>()
export function Page(): void {
  // @ts-expect-error -- no such channel
  useChannel('shop:1')
  const { publications, publish } = useChannel('chat:lobby')
  // @ts-expect-error -- of another type
  void publish({ text: 1 })
  // @ts-expect-error -- no such field
  void publications[0]?.data.headline
  // @ts-expect-error -- no such method
  useRpc('report.read')
  // @ts-expect-error -- of another type
  void useRpc('report.build').call({ month: 1 })
}
