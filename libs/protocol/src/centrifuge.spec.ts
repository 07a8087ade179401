/** The npm package `centrifuge` as a witness: what it writes we read, what we write it reads. No network. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { Centrifuge, type PublicationContext } from 'centrifuge'
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf'
import { Unsubscribes } from './codes.js'
import { jsonCodec } from './json/json-codec.js'
import type { Codec, Command, Frame } from './messages.js'
import { protobufCodec } from './protobuf/protobuf-codec.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const arrayBuffer = (frame: Frame): Frame | ArrayBufferLike =>
  typeof frame === 'string' ? frame : frame.slice().buffer

/** A WebSocket whose other end is a function over commands. What the SDK throws over a frame goes to `onBroken`. */
const socketTo = (codec: Codec, serve: (command: Command) => Frame[], onBroken: (error: unknown) => void) =>
  class {
    onopen: () => void = () => {}
    onmessage: (event: { data: unknown }) => void = () => {}
    onclose: (event: { code: number; reason: string }) => void = () => {}
    onerror: () => void = () => {}

    constructor() {
      queueMicrotask(() => this.onopen())
    }

    send(message: string | Uint8Array): void {
      const frames = codec.decode(typeof message === 'string' ? bytes(message) : message).flatMap(serve)
      if (frames.length > 0) queueMicrotask(() => this.deliver(arrayBuffer(codec.join(frames))))
    }

    private deliver(data: unknown): void {
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

function answer(codec: Codec, command: Command): Frame[] {
  const { id } = command
  if (command.method === 'connect')
    return [codec.reply({ id, connect: { client: 'me', version: 'test', ping: 25, pong: true } }), codec.ping]
  if (command.method === 'subscribe') {
    const subscribe = {
      recoverable: true,
      positioned: true,
      epoch: 'e',
      was_recovering: true,
      recovered: true,
    }
    return [
      codec.reply({ id, subscribe: { ...subscribe, publications: [pub(1)] } }),
      codec.push({ channel, pub: pub(2) }),
    ]
  }
  if (command.method === 'publish')
    return [
      codec.push({ channel, pub: { ...pub(3), data: command.request.data ?? bytes('0') } }),
      codec.reply({ id, publish: {} }),
    ]
  if (command.method === 'presence') return [codec.reply({ id, presence: { presence: {} } })]
  if (command.method === 'history')
    return [
      codec.reply({ id, history: { publications: [pub(1)], epoch: 'e', offset: 30 } }),
      codec.push({ channel, unsubscribe: Unsubscribes.server }),
    ]
  return []
}

/** An SDK in its encoding, and how its app sees data. */
interface Dialect {
  codec: Codec
  sdk: typeof Centrifuge
  written(value: unknown): unknown
  read(data: unknown): unknown
}

const dialects: [encoding: string, dialect: Dialect][] = [
  ['JSON', { codec: jsonCodec, sdk: Centrifuge, written: (value) => value, read: (data) => data }],
  [
    'Protobuf',
    {
      codec: protobufCodec,
      sdk: ProtobufCentrifuge as unknown as typeof Centrifuge,
      written: (value) => bytes(JSON.stringify(value)),
      read: (data) => JSON.parse(new TextDecoder().decode(data as Uint8Array)) as unknown,
    },
  ],
]

describe.each(dialects)('the centrifuge SDK in %s', (_encoding, { codec, sdk, written, read }) => {
  let client: Centrifuge | undefined
  afterEach(() => client?.disconnect())

  async function session(connecting: Centrifuge): Promise<void> {
    const subscription = connecting.newSubscription(channel, { since: { offset: 5, epoch: 'e' } })
    const seen: PublicationContext[] = []
    subscription.on('publication', (context) => seen.push(context))
    const subscribed = new Promise((resolve) => subscription.once('subscribed', resolve))
    const unsubscribed = new Promise((resolve) => subscription.once('unsubscribed', resolve))
    subscription.subscribe()
    connecting.connect()
    expect(await subscribed).toMatchObject({ wasRecovering: true, recovered: true })
    await subscription.publish(written({ n: 'é\n' }))
    expect(seen.map(({ offset, data }) => [offset, read(data)])).toEqual([
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
      client = new sdk('ws://nowhere', {
        websocket: socketTo(codec, (command) => answer(codec, command), reject),
        token: 't',
        name: 'test',
      })
      session(client).then(resolve, reject)
    }))
})
