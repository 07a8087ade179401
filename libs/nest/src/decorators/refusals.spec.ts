import { describe, expect, it } from '@jest/globals'
import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { running } from '../../test/running.js'
import {
  ChannelController,
  ConnectionController,
  OnConnect,
  OnDisconnect,
  OnPublish,
  OnSubscribe,
  OnUnsubscribe,
  OnOccupied,
  OnVacated,
  Param,
  Payload,
  Rpc,
} from '../index.js'

const schema = z.object({ text: z.string() })

describe('refused when the class loads', () => {
  it('an option that nobody knows, or that is none', () => {
    expect(() => OnPublish(':room', { shema: schema } as object)).toThrow('@OnPublish has no option "shema"')
    expect(() => Rpc('a', { idempotent: 'yes' as never })).toThrow(
      '"idempotent" of @Rpc(\'a\') is true or false',
    )
    expect(() => OnPublish(':room', { schema: {} as never })).toThrow(
      '"schema" of @OnPublish is a Standard Schema',
    )
    expect(() => OnVacated(':room', { scope: 'some' as never })).toThrow("'group', 'all' or 'node'")
    for (const hears of [OnVacated, OnOccupied])
      expect(() => hears(':room', { scope: 'node' as never })).toThrow("'group' or 'all'") // of no socket: nobody would tell it
    expect(() => OnConnect({ stores: schema } as object)).toThrow('no option "stores"')
  })

  it('a path, a namespace or a name that is none', () => {
    expect(() => OnSubscribe('')).toThrow('is empty')
    expect(() => ChannelController('chat:')).toThrow('a namespace has letters')
    expect(() => Rpc('a#b')).toThrow("without '#'")
    expect(() => Rpc('natter.publish')).toThrow("the gateways' own")
  })

  it("a parameter that isn't in the path", () => {
    class Chat {
      @OnSubscribe(':room') subscribe(@Param('romm') room: string) {
        return room === ''
      }
    }
    expect(() => ChannelController('chat')(Chat)).toThrow("@Param('romm'), which isn't in the path")
  })

  it('a method that answers and hears', () => {
    class Chat {
      @OnSubscribe(':room') @OnUnsubscribe(':room') both() {}
    }
    expect(() => ChannelController('chat')(Chat)).toThrow('Chat.both both answers and hears')
  })

  it('a schema for the whole payload beside its parts, and two schemas for one', () => {
    class Parts {
      @OnPublish(':room', { schema }) publish(@Payload('text') text: string, payload: { text: string }) {
        return payload ?? { text }
      }
    }
    class Twice {
      @OnPublish(':room', { schema }) publish(@Payload({ schema }) message: { text: string }) {
        return message
      }
    }
    expect(() => ChannelController('chat')(Parts)).toThrow('takes it in parts')
    expect(() => ChannelController('chat')(Twice)).toThrow('two schemas')
  })

  it('a handler in a controller that it cannot belong to', () => {
    class Chat {
      @OnConnect() connect() {
        return { user: '' }
      }
    }
    class Door {
      @OnPublish(':room') publish() {}
    }
    expect(() => ChannelController('chat')(Chat)).toThrow(
      'belongs to no namespace: put it into a @ConnectionController',
    )
    expect(() => ConnectionController()(Door)).toThrow(
      'belongs to a namespace: put it into a @ChannelController',
    )
  })

  it('two of our decorators on one class, and a static handler', () => {
    class Chat {}
    ChannelController('chat')(Chat)
    expect(() => ChannelController('other')(Chat)).toThrow('is one controller')
    expect(() => {
      class Static {
        @OnDisconnect() static left() {}
      }
      return Static
    }).toThrow('Static.left is static')
  })
})

describe('refused at the start', () => {
  @ChannelController('chat')
  class Chat {
    @OnSubscribe(':room') subscribe() {}
  }

  it('a controller among the providers', async () => {
    await expect(running({ providers: [Chat] })).rejects.toThrow(
      'Chat is a controller: list it in controllers',
    )
  })

  it('handlers in a class without a decorator of ours, in controllers or in providers', async () => {
    @Injectable()
    class Plain {
      @OnSubscribe(':room') subscribe() {}
    }
    class Undecorated extends Chat {}
    await expect(running({ providers: [Plain] })).rejects.toThrow('Plain.subscribe is a handler')
    await expect(running({ controllers: [Undecorated] })).rejects.toThrow(
      'Undecorated.subscribe is a handler',
    )
  })

  it('two connect hooks, both named', async () => {
    @ConnectionController()
    class One {
      @OnConnect() connect() {
        return { user: '' }
      }
    }
    @ConnectionController()
    class Two {
      @OnConnect() connect() {
        return { user: '' }
      }
    }
    await expect(running({ controllers: [One, Two] })).rejects.toThrow(
      '"connect" is answered by One.connect and by Two.connect',
    )
  })

  it('a class that two modules list, also where it only hears', async () => {
    @ChannelController('chat')
    class Ears {
      @OnVacated(':room') empty() {}
    }
    class First {}
    class Second {}
    const imports = [
      { module: First, controllers: [Ears] },
      { module: Second, controllers: [Ears] },
    ]
    await expect(running({ imports })).rejects.toThrow('in the controllers of two modules?')
  })

  it('everything at once, so that one start shows it all', async () => {
    @Injectable()
    class Plain {
      @OnSubscribe(':room') subscribe() {}
    }
    const start = running({ providers: [Chat, Plain] })
    await expect(start).rejects.toThrow(/Chat is a controller[^]*Plain\.subscribe is a handler/)
  })
})
