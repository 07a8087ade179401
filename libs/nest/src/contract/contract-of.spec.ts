import { afterEach, describe, expect, it } from '@jest/globals'
import { asyncApi, openApi } from '@natter/contract'
import { Injectable, Module } from '@nestjs/common'
import * as valibot from 'valibot'
import { z } from 'zod'
import { FakeDriver } from '../../test/fake-driver.js'
import {
  ChannelController,
  ConnectionController,
  contractOf,
  NatterModule,
  OnConnect,
  OnHistory,
  OnMessage,
  OnPublish,
  OnSubscribe,
  Rpc,
} from '../index.js'

const made: string[] = []
afterEach(() => {
  made.length = 0
})

@Injectable()
class Database {
  constructor() {
    made.push('Database')
  }
}

const Sent = z.object({ text: z.string().min(1), at: z.int().optional() })
const Stored = z.object({ text: z.string(), from: z.string() })

@ChannelController('chat')
class Chat {
  constructor(readonly database: Database) {
    made.push('Chat')
  }
  @OnSubscribe(':room', { schema: z.object({ since: z.string() }) }) subscribe() {}
  @OnPublish(':id', { schema: Sent, stores: Stored }) publish({ text }: z.infer<typeof Sent>) {
    return { text, from: 'ann' }
  }
  @OnHistory('lobby') history() {}
  @Rpc('rooms.list', { reply: z.array(z.string()) }) list() {
    return ['lobby']
  }
  @Rpc('raw', { encoding: 'bytes' }) raw(bytes: Uint8Array) {
    return bytes
  }
}

const typing = z.object({ event: z.literal('typing'), data: z.object({ room: z.string() }) })
const seen = z.object({ event: z.literal('seen') })

@ConnectionController()
class Door {
  @OnConnect({ schema: z.object({ language: z.string().default('en') }) }) connect() {
    return { user: 'ann' }
  }
  @OnMessage({ schema: z.discriminatedUnion('event', [typing, seen]) }) heard() {}
  @Rpc('later', { schema: valibot.object({ at: valibot.string() }), reply: z.object({ at: z.date() }) })
  later() {
    return { at: new Date() }
  }
}

const driver = new FakeDriver()
const natter = NatterModule.forRoot({ app: 'chat', driver })

@Module({ controllers: [Door] })
class DoorModule {}

@Module({
  imports: [natter, DoorModule],
  controllers: [Chat],
  providers: [Database, { provide: 'later', useFactory: () => made.push('factory') }],
})
class AppModule {}

describe('the contract of an application', () => {
  it('has the channels, methods and events of all its modules, with the schemas of their decorators', async () => {
    const { contract } = await contractOf(AppModule)
    expect(contract.app).toBe('chat')
    expect(contract.connect).toEqual({
      type: 'object',
      properties: { language: { type: 'string', default: 'en' } },
    })
    expect(Object.keys(contract.events)).toEqual(['seen', 'typing'])
    expect(contract.rpc['rooms.list']).toEqual({
      request: {},
      reply: { type: 'array', items: { type: 'string' } },
    })
    expect(contract.rpc['raw']?.request).toEqual({ type: 'string', contentEncoding: 'binary' })
    expect(contract.channels).toEqual({
      // one entry: on the wire a parameter has no name
      'chat::id': {
        publish: {
          type: 'object',
          properties: { text: { type: 'string', minLength: 1 }, at: { type: 'integer' } },
          required: ['text'],
        },
        publication: {
          type: 'object',
          properties: { text: { type: 'string' }, from: { type: 'string' } },
          required: ['text', 'from'],
        },
        subscribe: { type: 'object', properties: { since: { type: 'string' } }, required: ['since'] },
        isPresenceAnswered: false,
        isHistoryAnswered: false,
      },
      'chat:lobby': { publication: {}, isPresenceAnswered: false, isHistoryAnswered: true },
    })
  })

  it('is read without making a controller, a provider, or a connection', async () => {
    await contractOf(AppModule)
    expect(made).toEqual([])
    expect(driver.isConnected).toBe(false)
  })

  it('says what nobody declared, and what a schema can not say, for it is anything then', async () => {
    const { gaps } = await contractOf(AppModule)
    expect(gaps.map(({ path }) => path)).toEqual([
      'channel chat:lobby publication',
      'rpc later reply',
      'rpc later request',
      'rpc rooms.list request',
    ])
    expect(gaps[1]?.message).toContain('of zod, has no JSON Schema: Date')
    expect(gaps[2]?.message).toContain('of valibot, gives no JSON Schema')
    expect(gaps[3]?.message).toContain('Chat.list has no schema')
  })

  it('is the same text whatever the order of the modules', async () => {
    @Module({ imports: [DoorModule, natter], controllers: [Chat], providers: [Database] })
    class Turned {}
    const [one, other] = [await contractOf(AppModule), await contractOf(Turned)]
    expect(JSON.stringify(asyncApi(other.contract))).toBe(JSON.stringify(asyncApi(one.contract)))
    expect(JSON.stringify(openApi(other.contract))).toBe(JSON.stringify(openApi(one.contract)))
  })

  it('is refused where the start would be: two handlers for one question, both named', async () => {
    @ChannelController('chat')
    class Twin {
      @Rpc('rooms.list') list() {}
    }
    @Module({ imports: [AppModule], controllers: [Twin] })
    class Both {}
    await expect(contractOf(Both)).rejects.toMatchObject({
      code: 'handlers-clash',
      message: expect.stringMatching(/Chat\.list.*Twin\.list|Twin\.list.*Chat\.list/),
    })
  })

  it('is refused where there are no handlers: it is the wrong module', async () => {
    @Module({})
    class Empty {}
    await expect(contractOf(Empty)).rejects.toMatchObject({ code: 'no-handlers' })
  })
})
