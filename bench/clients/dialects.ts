/** How a client of each contender connects and subscribes. The contenders' own clients stay out: they would be what is measured. */
import { createHmac } from 'node:crypto'
import { countDelimited, countLines, type CountMessages } from './frame-reader.js'
import { RawSocket } from './raw-socket.js'

/** `natter-protobuf`: the same protocol in its binary encoding. */
export type Dialect = 'natter' | 'natter-protobuf' | 'plain' | 'socket.io'

export interface Wish {
  dialect: Dialect
  port: number
  channels: readonly string[]
  localAddress?: string
  /** Natter only. */
  token?: string
  /** Natter only: publications come as patches, once the first has come whole. */
  delta?: boolean
}

const paths: Record<Dialect, string> = {
  natter: '/connection/websocket',
  'natter-protobuf': '/connection/websocket',
  plain: '/',
  'socket.io': '/socket.io/?EIO=4&transport=websocket',
}

/** How many messages a frame holds; the others have one. */
const counts: Partial<Record<Dialect, CountMessages>> = {
  natter: countLines,
  'natter-protobuf': countDelimited,
}

/** Patches are short. What is shorter still is a ping. */
const longBytesOfDelta = 20

/** Resolves when the server has confirmed every channel. From then on pings are answered and long frames counted. */
export async function subscriber(wish: Wish): Promise<RawSocket> {
  const { dialect, port, localAddress } = wish
  const count = counts[dialect]
  const where = {
    port,
    path: paths[dialect],
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(count === undefined ? {} : { count }),
    ...(dialect === 'natter-protobuf' ? { subprotocol: 'centrifuge-protobuf' } : {}),
    ...(wish.delta === true ? { longBytes: longBytesOfDelta } : {}),
  }
  const socket = await new Promise<RawSocket>((resolve, reject) => {
    const attach = (raw: RawSocket): void => {
      raw.onClose = (why) => reject(new Error(`${dialect}: ${why}`))
      raw.onText = greet[dialect](raw, wish, () => resolve(raw), reject)
      raw.reader.readsAll = true
    }
    RawSocket.open(where, attach).then((raw) => hello(raw, wish), reject)
  })
  socket.onClose = () => {}
  socket.onText = answerPings(dialect, socket)
  socket.reader.readsAll = false
  socket.reader.longMessages = 0
  socket.reader.longPayloadBytes = 0
  socket.longReads = 0
  return socket
}

/** The text that answers a ping, for whoever reads frames itself. */
export function answerPings(dialect: Dialect, socket: RawSocket): (text: string) => void {
  if (dialect === 'natter-protobuf') return (text) => void (text === '\0' && socket.sendBytes(emptyMessage))
  if (dialect === 'natter') return (text) => void (text === '{}' && socket.send('{}'))
  if (dialect === 'socket.io') return (text) => void (text === '2' && socket.send('3'))
  return () => {}
}

type Greeting = (
  socket: RawSocket,
  wish: Wish,
  done: () => void,
  failed: (error: Error) => void,
) => (text: string) => void

const greet: Record<Dialect, Greeting> = {
  natter: (socket, { channels }, done, failed) => {
    let replies = 0
    return (text) => {
      for (const line of text.split('\n')) {
        if (line === '{}') socket.send('{}')
        else if (line.includes('"error"')) failed(new Error(line))
        else if (line.includes('"id":')) replies += 1
      }
      if (replies === channels.length + 1) done()
    }
  },
  'natter-protobuf': (socket, { channels }, done, failed) => {
    let replies = 0
    return (text) => {
      const bytes = Buffer.from(text, 'latin1')
      for (const reply of delimitedParts(bytes)) {
        if (reply.length === 0) socket.sendBytes(emptyMessage)
        else if (reply[0] !== idTag) continue
        else if (isError(reply)) failed(new Error(reply.toString('latin1')))
        else replies += 1
      }
      if (replies === channels.length + 1) done()
    }
  },
  plain: (_socket, _wish, done) => (text) => void (text === 'ready' && done()),
  'socket.io':
    (socket, { channels }, done) =>
    (text) => {
      if (text.startsWith('0')) socket.send('40')
      else if (text.startsWith('40')) socket.send(`42${JSON.stringify(['join', channels])}`)
      else if (text.startsWith('42["ready"')) done()
      else if (text === '2') socket.send('3')
    },
}

/** What the client says first, where it is the client who begins. */
function hello(socket: RawSocket, { dialect, channels, token, delta = false }: Wish): void {
  const connect = { id: 1, connect: token === undefined ? {} : { token } }
  const asked = delta ? { delta: 'fossil' } : {}
  const subscribes = channels.map((channel, index) => ({ id: index + 2, subscribe: { channel, ...asked } }))
  if (dialect === 'natter-protobuf') socket.sendBytes(protobufHello(channels, token, delta))
  if (dialect === 'plain') socket.send(JSON.stringify(channels))
  if (dialect === 'natter')
    socket.send([connect, ...subscribes].map((command) => JSON.stringify(command)).join('\n'))
}

const emptyMessage = Buffer.from([0])
/** Of `id` in a reply, and of `error`. */
const idTag = 0x08
const errorTag = 0x12

function* delimitedParts(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    let length = 0
    let byte = 0x80
    for (let shift = 0; byte >= 0x80; shift += 7, at += 1) {
      byte = bytes[at] ?? 0
      length += (byte & 0x7f) * 2 ** shift
    }
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** The field behind the id, which is one byte or two in what is asked here. */
const isError = (reply: Buffer): boolean => reply[(reply[1] ?? 0) < 0x80 ? 2 : 3] === errorTag

/** By the numbers of the schema: Command { id 1, connect 4, subscribe 5 }, ConnectRequest { token 1 }, SubscribeRequest { channel 1, delta 12 }. */
function protobufHello(channels: readonly string[], token: string | undefined, delta: boolean): Buffer {
  const number = (value: number): Buffer =>
    Buffer.from(value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7])
  const field = (tag: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(tag << 3) | 2]), number(bytes.length), bytes])
  const command = (id: number, request: Buffer): Buffer => {
    const bytes = Buffer.concat([Buffer.from([idTag]), number(id), request])
    return Buffer.concat([number(bytes.length), bytes])
  }
  const connect = field(4, token === undefined ? Buffer.alloc(0) : field(1, Buffer.from(token)))
  const asked = delta ? field(12, Buffer.from('fossil')) : Buffer.alloc(0)
  const subscribes = channels.map((channel, index) =>
    command(index + 2, field(5, Buffer.concat([field(1, Buffer.from(channel)), asked]))),
  )
  return Buffer.concat([command(1, connect), ...subscribes])
}

/** An HS256 connection token with claims as applications make them: user, expiry and 100 bytes of info. */
export function connectionToken(user: string, secret: string): string {
  const info = { name: `User ${user}`, avatar: '' }
  info.avatar = 'a'.repeat(100 - JSON.stringify(info).length)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, exp: 4_000_000_000, info })}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

/** Runs `act` for 0 … count−1, so many at a time. */
export async function inTurns(
  count: number,
  atOnce: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next
      next += 1
      await act(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
}
