import { afterEach, describe, expect, it } from '@jest/globals'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { z } from 'zod'
import { FakeDriver, valueOf } from '../test/fake-driver.js'
import {
  ChannelController,
  ConnectionController,
  NatterModule,
  OnConnect,
  OnPublish,
  OnSubscribe,
  Rpc,
  type PublishContext,
} from './index.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const Message = z.object({ text: z.string().min(1) })
type Message = z.infer<typeof Message>

@Injectable()
class Rooms {
  list() {
    return ['lobby']
  }
}

@ChannelController('chat')
class Chat {
  constructor(private readonly rooms: Rooms) {}
  @OnSubscribe(':room') subscribe() {}
  @OnPublish(':room', { schema: Message })
  publish(message: Message, { user }: PublishContext) {
    return { ...message, from: user.id }
  }
  @Rpc('rooms.list') list() {
    return this.rooms.list()
  }
}

@ConnectionController()
class Door {
  @OnConnect() connect() {
    return { user: 'ann', info: { name: 'Ann' } }
  }
}

describe('an application', () => {
  it('answers what the mesh asks', async () => {
    const driver = new FakeDriver()
    const natter = NatterModule.forRoot({ app: 'chat', driver })
    @Module({ imports: [natter], controllers: [Chat, Door], providers: [Rooms] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, {
      logger: ['error', 'warn'],
      abortOnError: false,
    })
    closing.push(() => app.close())
    expect(await driver.client.connect()).toEqual({ decision: { user: 'ann', infoJson: '{"name":"Ann"}' } })
    expect(await driver.client.subscribe('chat:1')).toEqual({ decision: {} })
    const published = await driver.client.publish('chat:1', { text: 'hi' })
    expect('decision' in published && valueOf(published.decision.data)).toEqual({ text: 'hi', from: 'ann' })
    expect(await driver.client.publish('chat:1', { text: '' })).toMatchObject({
      error: { code: 107, details: [{ path: 'text' }] },
    })
    const reply = await driver.client.rpc('rooms.list')
    expect('decision' in reply && valueOf(reply.decision.data)).toEqual(['lobby'])
  })
})
