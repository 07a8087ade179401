/** How a client of each contender connects and subscribes. The contenders' own clients stay out: they would be what is measured. */
import { createHmac } from 'node:crypto'
import { RawSocket } from './raw-socket.js'

export type Dialect = 'natter' | 'plain' | 'socket.io'

export interface Wish {
  dialect: Dialect
  port: number
  channels: readonly string[]
  localAddress?: string
  /** Natter only. */
  token?: string
}

const paths: Record<Dialect, string> = {
  natter: '/connection/websocket',
  plain: '/',
  'socket.io': '/socket.io/?EIO=4&transport=websocket',
}

/** Resolves when the server has confirmed every channel. From then on pings are answered and long frames counted. */
export async function subscriber(wish: Wish): Promise<RawSocket> {
  const { dialect, port, localAddress } = wish
  const where = { port, path: paths[dialect], ...(localAddress === undefined ? {} : { localAddress }) }
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
  socket.reader.longFrames = 0
  socket.longReads = 0
  return socket
}

/** The text that answers a ping, for whoever reads frames itself. */
export function answerPings(dialect: Dialect, socket: RawSocket): (text: string) => void {
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
function hello(socket: RawSocket, { dialect, channels, token }: Wish): void {
  const connect = { id: 1, connect: token === undefined ? {} : { token } }
  const subscribes = channels.map((channel, index) => ({ id: index + 2, subscribe: { channel } }))
  if (dialect === 'plain') socket.send(JSON.stringify(channels))
  if (dialect === 'natter')
    socket.send([connect, ...subscribes].map((command) => JSON.stringify(command)).join('\n'))
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
