/** A backend of the mesh: what SDKs reach through rpc, send, and in a namespace that asks it. */
import 'reflect-metadata'
import {
  ChannelController,
  ClientError,
  ConnectionController,
  Natter,
  NatterModule,
  OnMessage,
  OnPublish,
  OnSubscribe,
  Rpc,
  type MessageContext,
  type SubscribeContext,
} from '@natter/nest'
import { Inject, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'

@ConnectionController()
class Door {
  constructor(@Inject(Natter) private readonly natter: Natter) {}

  @Rpc('echo') echo(data: unknown) {
    return { echo: data }
  }

  @Rpc('refuse') refuse() {
    throw new ClientError(1234, 'not today')
  }

  /** Says to the channel that the message names what it says. */
  @OnMessage() async message({ channel, text }: { channel: string; text: string }, { user }: MessageContext) {
    await this.natter.publish(channel, { text, from: user.id })
  }
}

@ChannelController('shop')
class Shop {
  @OnSubscribe(':name') subscribe(data: unknown, { user }: SubscribeContext) {
    if (data === null || data === undefined) throw new ClientError(1403, 'members only')
    return { data: { welcome: user.id, said: data }, info: { badge: '★' } }
  }

  @OnPublish(':name') publish(data: unknown) {
    return { approved: data }
  }
}

/** Resolves when the mesh knows it; the result ends it. */
export async function startApp(url: string, prefix: string): Promise<() => Promise<void>> {
  @Module({
    imports: [NatterModule.forRoot({ app: 'conformance', nats: { url, prefix } })],
    controllers: [Door, Shop],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  return () => app.close()
}
