/** The contract that the fixtures use. */
import { createClient, type Channel } from '@natter/client'

export interface Message {
  text: string
  from: string
}

export interface ChatMesh {
  channels: {
    'chat::room': Channel<{
      publication: Message
      publish: { text: string }
      member: { name: string }
      welcome: { topic: string }
    }>
    'chat:dm-:one-:other': { secret: string }
    'orders::id': Channel<{ publication: { total: number }; publish: never }>
    news: { headline: string }
    ':#:user': { note: string }
  }
  rpc: {
    'rooms.list': { reply: { name: string }[] }
    'report.build': { request: { month: string }; reply: { pages: number }; progress: { percent: number } }
    ping: { request?: number }
  }
  events: { typing: { room: string }; seen: undefined }
}

export const client = createClient<ChatMesh>({ url: 'https://example.com', isConnecting: false })
