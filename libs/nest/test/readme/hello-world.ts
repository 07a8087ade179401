import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ChannelController, NatterModule, OnPublish, OnSubscribe, type PublishContext } from '@natter/nest'

@ChannelController('chat')
class Chat {
  @OnSubscribe(':room') subscribe() {}
  @OnPublish(':room') publish(message: { text: string }, { user }: PublishContext) {
    return { text: message.text, from: user.id }
  }
}

const natter = NatterModule.forRoot({ app: 'hello', nats: { url: 'nats://127.0.0.1:4222' } })
@Module({ imports: [natter], controllers: [Chat] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule)
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true })
