/** The app that is replaced: `app.js <address of NATS> <prefix> <name of this instance>`. Its handlers take a moment, so that an end always finds some at work. */
import {
  ChannelController,
  ConnectionController,
  NatterModule,
  OnConnect,
  OnPublish,
  OnSubscribe,
  Rpc,
  type ConnectContext,
} from '@natter/nest'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { setTimeout as delay } from 'node:timers/promises'
import 'reflect-metadata'
import { z } from 'zod'

const [url = '', prefix = '', instance = ''] = process.argv.slice(2)
const atMostMs = 20

const Sent = z.object({ id: z.string(), client: z.string(), n: z.number().int(), send: z.number().int() })

const aMoment = (): Promise<void> => delay(Math.random() * atMostMs)

@ConnectionController()
class Door {
  @OnConnect()
  connect(_: unknown, { client }: ConnectContext) {
    return { user: `user-${client}` }
  }
}

@ChannelController('deploy')
class Deployed {
  @OnSubscribe(':channel')
  subscribe() {}

  /** What is stored names its instance: a publication without that was stored unasked. */
  @OnPublish(':channel', { schema: Sent })
  async publish(sent: z.infer<typeof Sent>) {
    await aMoment()
    return { ...sent, by: instance }
  }

  @Rpc('echo')
  async echo(text: string) {
    await aMoment()
    return { text, by: instance }
  }
}

@Module({
  imports: [NatterModule.forRoot({ app: 'deployed', instance, nats: { url, prefix } })],
  controllers: [Door, Deployed],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { abortOnError: false })
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true })
