/** An app in three versions: as it is, grown, and broken. */
import { ChannelController, NatterModule, OnPublish, OnSubscribe, Rpc } from '@natter/nest'
import { Injectable, Module, type DynamicModule, type Type } from '@nestjs/common'
import { z } from 'zod'

@Injectable()
class Database {
  constructor() {
    throw new Error('a database is not needed for a contract')
  }
}

function version(fields: z.core.$ZodLooseShape, method: string): Type {
  const Message = z.object({ text: z.string(), ...fields })

  @ChannelController('chat')
  class Chat {
    constructor(readonly database: Database) {}
    @OnSubscribe(':room') subscribe() {}
    @OnPublish(':room', { schema: Message, stores: z.object({ text: z.string() }) }) publish({
      text,
    }: {
      text: string
    }) {
      return { text }
    }
    @Rpc(method, { reply: z.array(z.string()) }) list() {
      return ['lobby']
    }
  }

  @Module({
    imports: [NatterModule.forRoot({ app: 'chat', nats: { url: 'nats://nowhere.invalid:4222' } })],
    controllers: [Chat],
    providers: [Database],
  })
  class Root {}
  return Root
}

const mood = z.string().optional()

export const AppModule = version({}, 'rooms.list')
export const Grown = version({ mood }, 'rooms.list')
export const Configured: DynamicModule = { module: class {}, imports: [AppModule] }
export const Broken = version({ mood, room: z.string() }, 'rooms.all')
