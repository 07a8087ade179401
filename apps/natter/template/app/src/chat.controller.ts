import { ChannelController, OnPublish, OnSubscribe, Rpc, type PublishContext } from '@natter/nest'
import { z } from 'zod'

const Message = z.object({ text: z.string().min(1).max(500) })

/** Answers for the channels `chat:…`: who may come in, and what is said there. */
@ChannelController('chat')
export class ChatController {
  @OnSubscribe(':room')
  subscribe() {} // everybody may; throw to refuse

  @OnPublish(':room', { schema: Message })
  publish({ text }: z.infer<typeof Message>, { user }: PublishContext) {
    return { text, from: user.id || 'somebody' } // what is stored and told to all
  }

  @Rpc('hello')
  hello(name: string) {
    return `Hello, ${name}`
  }
}
