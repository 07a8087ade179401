/** An app with publish hooks, as an author writes it: one that says yes, and one that checks and rewrites. */
import { ChannelController, NatterModule, OnPublish, type PublishContext } from '@natter/nest'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import 'reflect-metadata'
import { z } from 'zod'
import { serve } from '../harness/remote.js'

const Message = z.object({ n: z.number().int(), at: z.number().int(), text: z.string().min(1).max(500) })

let asked = 0

@ChannelController('asked')
class Asked {
  @OnPublish(':channel')
  publish() {
    asked += 1
  }
}

@ChannelController('shaped')
class Shaped {
  @OnPublish(':channel', { schema: Message })
  publish(message: z.infer<typeof Message>, { user }: PublishContext) {
    asked += 1
    return { ...message, from: user.id }
  }
}

serve({
  /** Resolves when it is in the mesh. */
  start: async (url: string) => {
    @Module({
      imports: [NatterModule.forRoot({ app: 'bench', nats: { url } })],
      controllers: [Asked, Shaped],
    })
    class AppModule {}

    await NestFactory.createApplicationContext(AppModule, { logger: ['error'] })
  },
  /** How many publications it was asked about so far. */
  asked: () => asked,
})
