/**
 * A WebSocket client on a bare TCP socket that can do what no library lets a client do: stop reading, send any bytes, lie about
 * lengths, go silent without closing.
 *
 * Left alone it behaves: it masks, answers pings and closes.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { encodeFrame, FrameReader, opcodes, type RawFrame, type ReceivedFrame } from './websocket-frames.js'

export interface PeerOptions {
  host?: string
  port: number
  path?: string
  subprotocols?: readonly string[]
  headers?: Readonly<Record<string, string>>
}

export interface PeerClose {
  /** 1006 when the connection ended without a close frame, 1005 when the frame had no code. */
  code: number
  reason: string
}

export class MisbehavingPeer {
  /** What has arrived: text as string, binary as bytes. Fragments are joined. */
  readonly messages: (string | Buffer)[] = []
  readonly closed: Promise<PeerClose>
  /** Whether pings are answered. */
  answersPings = true
  private readonly frames = new FrameReader()
  private fragments: Buffer[] = []
  private fragmentOpcode: number = opcodes.text
  private readonly listeners = new Set<() => void>()
  private settleClosed: (close: PeerClose) => void = () => {}

  /** Connects and shakes hands; rejects with the status line when refused. */
  static async connect(options: PeerOptions): Promise<MisbehavingPeer> {
    const socket = await openSocket(options)
    socket.write(handshake(options))
    const { head, rest } = await readHead(socket)
    if (!head.startsWith('HTTP/1.1 101')) {
      socket.destroy()
      throw new Error(`refused: ${head.split('\r\n', 1)[0]}`)
    }
    return new MisbehavingPeer(socket, headerOf(head, 'sec-websocket-protocol'), rest)
  }

  private constructor(
    readonly socket: Socket,
    readonly subprotocol: string | undefined,
    rest: Buffer,
  ) {
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve
    })
    socket.on('data', (chunk: Buffer) => this.read(chunk))
    socket.on('close', () => this.settleClosed({ code: 1006, reason: '' }))
    this.read(rest)
  }

  send(message: string | Uint8Array): void {
    const opcode = typeof message === 'string' ? opcodes.text : opcodes.binary
    this.sendFrame({ opcode, payload: Buffer.from(message) })
  }

  sendFrame(frame: RawFrame): void {
    this.socket.write(encodeFrame(frame))
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Announces a text message of `length` bytes and sends nothing of it. */
  announce(length: number): void {
    this.socket.write(encodeFrame({ opcode: opcodes.text, payload: Buffer.alloc(0), claimedLength: length }))
  }

  /** Stops reading: the server's bytes pile up in the kernel, then at the server. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Closes only our direction: the server reads an end of stream, we go on reading. */
  halfClose(): void {
    this.socket.end()
  }

  close(code = 1000, reason = ''): void {
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
    payload.writeUInt16BE(code, 0)
    payload.write(reason, 2)
    this.sendFrame({ opcode: opcodes.close, payload })
  }

  /** Gone without a word: a reset. */
  destroy(): void {
    // a reset fails while an end is under way, and would leave the handle behind
    if (this.socket.writableEnded) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  /** Resolves with the messages when there are at least `count`; rejects if the connection closes before. */
  async received(count: number): Promise<readonly (string | Buffer)[]> {
    while (this.messages.length < count) {
      const close = await Promise.race([this.closed, this.nextMessage()])
      if (close !== undefined && this.messages.length < count)
        throw new Error(`closed with ${close.code} after ${this.messages.length} of ${count} messages`)
    }
    return this.messages
  }

  private nextMessage(): Promise<undefined> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.listeners.delete(done)
        resolve(undefined)
      }
      this.listeners.add(done)
    })
  }

  private read(chunk: Buffer): void {
    for (const frame of this.frames.push(chunk)) this.onFrame(frame)
  }

  private onFrame({ opcode, fin, payload }: ReceivedFrame): void {
    if (opcode === opcodes.ping) {
      if (this.answersPings) this.sendFrame({ opcode: opcodes.pong, payload })
    } else if (opcode === opcodes.close) {
      this.onCloseFrame(payload)
    } else if (opcode !== opcodes.pong) {
      if (opcode !== opcodes.continuation) this.fragmentOpcode = opcode
      this.fragments.push(payload)
      if (fin) this.onMessage(Buffer.concat(this.fragments.splice(0)))
    }
  }

  private onMessage(body: Buffer): void {
    this.messages.push(this.fragmentOpcode === opcodes.text ? body.toString() : body)
    for (const listener of this.listeners) listener()
  }

  private onCloseFrame(payload: Buffer): void {
    const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
    this.settleClosed({ code, reason: payload.toString('utf8', 2) })
    if (this.socket.writable) this.socket.end(encodeFrame({ opcode: opcodes.close, payload }))
  }
}

function openSocket({ host = '127.0.0.1', port }: PeerOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true })
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => {}) // a reset is one of the things a peer may see; `closed` tells
      socket.on('end', () => socket.end())
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

function handshake({
  host = '127.0.0.1',
  port,
  path = '/connection/websocket',
  ...options
}: PeerOptions): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
  ]
  if (options.subprotocols?.length) lines.push(`Sec-WebSocket-Protocol: ${options.subprotocols.join(', ')}`)
  for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`${name}: ${value}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const ended = (): void => reject(new Error('closed during the handshake'))
    socket.once('close', ended)
    socket.on('data', function read(chunk: Buffer) {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', read)
      socket.off('close', ended)
      resolve({ head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + 4) })
    })
  })
}

const headerOf = (head: string, name: string): string | undefined =>
  head
    .split('\r\n')
    .find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim()
