/** A WebSocket client by hand, for drivers: it costs a tenth of a library's, so that the driver is not what is measured. */
import { createConnection, type Socket } from 'node:net'
import { FrameReader, type CountMessages } from './frame-reader.js'

export interface RawSocketOptions {
  port: number
  path: string
  /** Source address: one holds about 28,000 ports. Default: the system's choice. */
  localAddress?: string
  /** Frames from this payload on are long (see FrameReader). Default 160. */
  longBytes?: number
  /** How a frame is counted (see FrameReader). */
  count?: CountMessages
  subprotocol?: string
}

/** Shared: reads are synchronous, one at a time. */
const readBuffer = Buffer.allocUnsafe(256 * 1024)
const mask = Buffer.from([0, 0, 0, 0]) // allowed by the protocol, and free to apply

export class RawSocket {
  /** Called per text or binary frame; each byte is shown as Latin-1. */
  onText: (text: string) => void = () => {}
  onClose: (why: string) => void = () => {}
  /** Of a WebSocket ping. */
  onPong: () => void = () => {}
  /** Reads from the socket that brought at least one long frame. */
  longReads = 0
  readonly reader: FrameReader
  private socket: Socket | undefined
  private opening: { head: string; resolve: () => void; reject: (error: Error) => void } | undefined

  private constructor({ longBytes = 160, count }: RawSocketOptions) {
    this.reader = new FrameReader(
      longBytes,
      (text) => this.onText(text),
      (opcode, payload) => this.control(opcode, payload),
      count,
    )
  }

  /** Resolves when the server has accepted the upgrade. `attach` comes before all else: some servers speak first. */
  static async open(
    options: RawSocketOptions,
    attach: (raw: RawSocket) => void = () => {},
  ): Promise<RawSocket> {
    const raw = new RawSocket(options)
    attach(raw)
    await raw.connect(options)
    return raw
  }

  send(text: string): void {
    this.socket?.write(frame(1, Buffer.from(text)))
  }

  sendBytes(bytes: Buffer): void {
    this.socket?.write(frame(2, bytes))
  }

  /** A ping of WebSocket itself, which the server's library answers. */
  ping(): void {
    this.socket?.write(frame(9, Buffer.alloc(0)))
  }

  end(): void {
    this.socket?.destroy()
  }

  /** Ends with a reset: a hundred thousand that ended in order wait for a minute in the kernel, and slow down who connects next. */
  reset(): void {
    this.socket?.resetAndDestroy()
  }

  private connect({ port, path, localAddress, subprotocol }: RawSocketOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.opening = { head: '', resolve, reject }
      const socket = createConnection({
        host: '127.0.0.1',
        port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        onread: {
          buffer: readBuffer,
          callback: (count) => {
            this.received(readBuffer.subarray(0, count))
            return true
          },
        },
      })
      this.socket = socket
      socket.once('connect', () => socket.write(upgrade(port, path, subprotocol)))
      socket.once('error', (error) => this.closed(error.message))
      socket.once('close', () => this.closed('closed'))
    })
  }

  private received(chunk: Buffer): void {
    if (this.opening !== undefined) return this.shakeHands(chunk)
    const before = this.reader.longMessages
    this.reader.read(chunk)
    if (this.reader.longMessages > before) this.longReads += 1
  }

  private shakeHands(chunk: Buffer): void {
    const opening = this.opening
    if (opening === undefined) return
    opening.head += chunk.toString('latin1')
    const end = opening.head.indexOf('\r\n\r\n')
    if (end < 0) return
    this.opening = undefined
    if (!opening.head.startsWith('HTTP/1.1 101')) return opening.reject(new Error(opening.head.slice(0, 200)))
    opening.resolve()
    const rest = Buffer.from(opening.head.slice(end + 4), 'latin1')
    if (rest.length > 0) this.reader.read(rest)
  }

  private control(opcode: number, payload: Buffer): void {
    if (opcode === 10) this.onPong()
    if (opcode === 9) this.socket?.write(frame(10, payload))
    if (opcode === 8)
      this.closed(payload.length < 2 ? 'closed' : `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`)
  }

  private closed(why: string): void {
    this.opening?.reject(new Error(why))
    this.opening = undefined
    this.onClose(why)
    this.onClose = () => {}
  }
}

const upgrade = (port: number, path: string, subprotocol: string | undefined): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==',
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    '\r\n',
  ].join('\r\n')

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const header = Buffer.alloc(length < 126 ? 2 : 4)
  header[0] = 0x80 | opcode
  if (length < 126) header[1] = 0x80 | length
  else {
    header[1] = 0x80 | 126
    header.writeUInt16BE(length, 2)
  }
  return Buffer.concat([header, mask, payload])
}
