/** What TypeScript refuses of a handler: compiled by `npm run typecheck`, where an unused @ts-expect-error is an error. */
import { describe, expect, it } from '@jest/globals'
import { of } from 'rxjs'
import { z } from 'zod'
import {
  CurrentUser,
  deny,
  OnConnect,
  OnDisconnect,
  OnPublish,
  OnSubscribe,
  OnUnsubscribe,
  Param,
  Payload,
  Rpc,
  type ConnectDecision,
  type EventContext,
  type NatterContext,
  type PublishContext,
  type RpcContext,
  type SubscribeContext,
} from '../index.js'

const Message = z.object({ text: z.string() })
type Message = z.infer<typeof Message>
const Stored = Message.extend({ from: z.string() })

class Fits {
  @OnConnect() async connect(): Promise<ConnectDecision> {
    return { user: 'ann' }
  }
  @OnPublish(':room', { schema: Message, stores: Stored })
  publish(message: Message, { user }: PublishContext) {
    return user.id === '' ? deny() : { ...message, from: user.id }
  }
  @OnPublish('decorated', { schema: Message })
  decorated(@CurrentUser('id') id: string, @Param('room') room: string, @Payload() message: Message) {
    return { text: `${id} ${room} ${message.text}` }
  }
  @OnPublish('none', { schema: Message }) none() {}
  @OnPublish('wider') wider(payload: unknown, context: NatterContext) {
    return { payload, kind: context.kind }
  }
  @Rpc('list', { reply: z.array(z.string()) }) list() {
    return ['a']
  }
  @Rpc('progress', { reply: z.string() }) async *progress(_: unknown, context: RpcContext) {
    yield 1
    return context.name
  }
  @Rpc('observable', { reply: z.string() }) observable() {
    return of('a')
  }
  @OnUnsubscribe(':room') @OnDisconnect() left(_: unknown, { user }: EventContext) {
    return user
  }
}

class DoesNot {
  // @ts-expect-error -- a number takes no message
  @OnPublish(':room', { schema: Message }) payload(message: number) {
    return { text: String(message) }
  }
  // @ts-expect-error -- what is returned is stored, and a publication has a text
  @OnPublish(':room', { schema: Message }) publish(message: Message) {
    return { txt: message.text }
  }
  // @ts-expect-error -- `from` is missing
  @OnPublish(':room', { schema: Message, stores: Stored }) stored(message: Message) {
    return message
  }
  // @ts-expect-error -- with `stores` the handler says what is stored
  @OnPublish(':room', { stores: Stored }) forgets() {}
  // @ts-expect-error -- a number is no list
  @Rpc('list', { reply: z.array(z.string()) }) list() {
    return 5
  }
  // @ts-expect-error -- the yields are progress, the return value is the reply
  @Rpc('progress', { reply: z.string() }) async *progress() {
    yield 'a'
    return 5
  }
  // @ts-expect-error -- who is it?
  @OnConnect() connect() {
    return { info: {} }
  }
  // @ts-expect-error -- nobody is let in by nothing
  @OnConnect() nothing() {}
  // @ts-expect-error -- a text is no decision
  @OnSubscribe(':room') subscribe() {
    return 'yes'
  }
  // @ts-expect-error -- the context is another kind's
  @OnPublish(':room') context(_: unknown, context: SubscribeContext) {
    return context.token
  }
  // @ts-expect-error -- one of the two kinds isn't there
  @OnDisconnect() @OnSubscribe(':room') kinds(_: unknown, context: SubscribeContext) {
    return context.channel === ''
  }
}

/** By `kind`. */
function tokenOf(context: NatterContext): string | undefined {
  // @ts-expect-error -- a publication has none
  if (context.kind === 'publish') return context.token
  // @ts-expect-error -- nor is there a user where nobody's connection is concerned
  if (context.kind === 'vacated') return context.user.id
  return context.kind === 'connect' ? context.token : undefined
}

describe('the types of handlers', () => {
  it('are held by the compiler', () => {
    expect([Fits, DoesNot, tokenOf]).toHaveLength(3)
  })
})
