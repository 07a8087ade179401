/** The npm package `centrifuge` as a witness: what it writes we read, what we write it reads. No network. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { Centrifuge, type PublicationContext } from 'centrifuge'
import { Unsubscribes } from '../codes.js'
import type { Command, Frame } from '../messages.js'
import { jsonCodec } from './json-codec.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A WebSocket whose other end is a function over commands. What the SDK throws over a frame goes to `onBroken`. */
const socketTo = (serve: (command: Command) => Frame[], onBroken: (error: unknown) => void) =>
  class {
    onopen: () => void = () => {}
    onmessage: (event: { data: Frame }) => void = () => {}
    onclose: (event: { code: number; reason: string }) => void = () => {}
    onerror: () => void = () => {}

    constructor() {
      queueMicrotask(() => this.onopen())
    }

    send(message: string): void {
      const frames = jsonCodec.decode(bytes(message)).flatMap(serve)
      if (frames.length > 0) queueMicrotask(() => this.deliver(frames.join('\n')))
    }

    private deliver(data: string): void {
      try {
        this.onmessage({ data })
      } catch (error) {
        onBroken(error)
      }
    }

    close(): void {
      queueMicrotask(() => this.onclose({ code: 1000, reason: '' }))
    }
  }

const channel = 'chat:__proto__'
const pub = (n: number) => ({ data: bytes(`{\n"n":${n}}`), offset: n * 10, info: { user: 'u', client: 'c' } })

function answer(command: Command): Frame[] {
  const { id } = command
  if (command.method === 'connect')
    return [
      jsonCodec.reply({ id, connect: { client: 'me', version: 'test', ping: 25, pong: true } }),
      jsonCodec.ping,
    ]
  if (command.method === 'subscribe') {
    const subscribe = {
      recoverable: true,
      positioned: true,
      epoch: 'e',
      was_recovering: true,
      recovered: true,
    }
    return [
      jsonCodec.reply({ id, subscribe: { ...subscribe, publications: [pub(1)] } }),
      jsonCodec.push({ channel, pub: pub(2) }),
    ]
  }
  if (command.method === 'publish')
    return [
      jsonCodec.push({ channel, pub: { ...pub(3), data: command.request.data ?? bytes('0') } }),
      jsonCodec.reply({ id, publish: {} }),
    ]
  if (command.method === 'presence') return [jsonCodec.reply({ id, presence: { presence: {} } })]
  if (command.method === 'history')
    return [
      jsonCodec.reply({ id, history: { publications: [pub(1)], epoch: 'e', offset: 30 } }),
      jsonCodec.push({ channel, unsubscribe: Unsubscribes.server }),
    ]
  return []
}

describe('the centrifuge SDK', () => {
  let client: Centrifuge | undefined
  afterEach(() => client?.disconnect())

  async function session(sdk: Centrifuge): Promise<void> {
    const subscription = sdk.newSubscription(channel, { since: { offset: 5, epoch: 'e' } })
    const seen: PublicationContext[] = []
    subscription.on('publication', (context) => seen.push(context))
    const subscribed = new Promise((resolve) => subscription.once('subscribed', resolve))
    const unsubscribed = new Promise((resolve) => subscription.once('unsubscribed', resolve))
    subscription.subscribe()
    sdk.connect()
    expect(await subscribed).toMatchObject({ wasRecovering: true, recovered: true })
    await subscription.publish({ n: 'é\n' })
    expect(seen.map(({ offset, data }) => [offset, data])).toEqual([
      [10, { n: 1 }],
      [20, { n: 2 }],
      [30, { n: 'é\n' }],
    ])
    expect(seen[0]?.info).toMatchObject({ user: 'u', client: 'c' })
    expect(await subscription.presence()).toEqual({ clients: {} })
    expect(await subscription.history({ limit: 1 })).toMatchObject({ offset: 30, epoch: 'e' })
    expect(await unsubscribed).toMatchObject(Unsubscribes.server)
  }

  it('understands every frame of a session, and is understood', () =>
    new Promise<void>((resolve, reject) => {
      client = new Centrifuge('ws://nowhere', {
        websocket: socketTo(answer, reject),
        token: 't',
        name: 'test',
      })
      session(client).then(resolve, reject)
    }))
})
