/**
 * One TCP connection on which any bytes can be sent, and what comes back is cut into what it is: the head of a response, then the
 * frames of a WebSocket, or the parts of a body.
 */
import { FrameReader, opcodes } from '@natter/testing'
import { connect, type Socket } from 'node:net'

export interface ConnectionEvents {
  /** The head of the (first) response. */
  onHead(status: number, headers: ReadonlyMap<string, string>): void
  /** One WebSocket message, or whatever part of a body came at once. */
  onData(bytes: Buffer, isBinary: boolean): void
  /** Once. The code is 1006 where nothing was said, with the error of the system where it was one; 1005 where a close frame was empty. */
  onEnd(code: number, reason: string): void
}

type Reading =
  | { kind: 'head'; bytes: Buffer }
  | { kind: 'frames'; reader: FrameReader; parts: Buffer[]; isBinary: boolean }
  | { kind: 'chunks'; rest: Buffer }
  | { kind: 'body'; left: number }

export class HttpConnection {
  private readonly socket: Socket
  private reading: Reading = { kind: 'head', bytes: Buffer.alloc(0) }
  private hasEnded = false

  constructor(
    port: number,
    localAddress: string,
    private readonly events: ConnectionEvents,
    /** Of a HEAD, no body follows. */
    private readonly hasNoBody = false,
  ) {
    this.socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true })
    this.socket.on('data', (chunk) => this.received(chunk))
    let why = ''
    this.socket.on('error', (error) => (why = (error as NodeJS.ErrnoException).code ?? error.message))
    this.socket.on('end', () => this.socket.end())
    this.socket.on('close', () => this.ended(1006, why))
  }

  write(bytes: Uint8Array | string): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  halfClose(): void {
    this.socket.end()
  }

  destroy(): void {
    if (this.socket.writableEnded || this.socket.connecting) this.socket.destroy()
    else this.socket.resetAndDestroy() // no port stays behind, waiting
  }

  private ended(code: number, reason: string): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.events.onEnd(code, reason)
  }

  private received(chunk: Buffer): void {
    if (this.hasEnded) return
    switch (this.reading.kind) {
      case 'head':
        return this.head(Buffer.concat([this.reading.bytes, chunk]))
      case 'frames':
        return this.frames(this.reading, chunk)
      case 'chunks':
        return this.chunks(this.reading, chunk)
      case 'body':
        return this.body(this.reading, chunk)
    }
  }

  private head(bytes: Buffer): void {
    const end = bytes.indexOf('\r\n\r\n')
    this.reading = { kind: 'head', bytes }
    if (end < 0) return
    if (bytes.toString('latin1', 0, 12) === 'HTTP/1.1 100') return this.head(bytes.subarray(end + 4)) // the real one follows
    const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
    const headers = new Map(
      lines.map((line) => [
        line.split(':', 1)[0]?.toLowerCase() ?? '',
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    )
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? Number.NaN)
    this.reading = this.readingAfter(status, headers)
    this.events.onHead(status, headers)
    if (this.reading.kind === 'body' && this.reading.left === 0) return this.ended(1000, '')
    const rest = bytes.subarray(end + 4)
    if (rest.length > 0) this.received(rest)
  }

  private readingAfter(status: number, headers: ReadonlyMap<string, string>): Reading {
    if (status === 101) return { kind: 'frames', reader: new FrameReader(), parts: [], isBinary: false }
    if (headers.get('transfer-encoding') === 'chunked') return { kind: 'chunks', rest: Buffer.alloc(0) }
    const length = Number(headers.get('content-length') ?? (status === 204 ? 0 : Number.POSITIVE_INFINITY))
    return { kind: 'body', left: this.hasNoBody ? 0 : length }
  }

  private frames(reading: Extract<Reading, { kind: 'frames' }>, chunk: Buffer): void {
    for (const { opcode, fin, payload } of reading.reader.push(chunk)) {
      if (opcode === opcodes.close) {
        const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
        return this.ended(code, payload.toString('utf8', 2))
      }
      if (opcode === opcodes.ping || opcode === opcodes.pong) continue
      if (opcode !== opcodes.continuation) reading.isBinary = opcode === opcodes.binary
      reading.parts.push(payload)
      if (fin) this.events.onData(Buffer.concat(reading.parts.splice(0)), reading.isBinary)
    }
  }

  /** The line end behind a chunk may come with the next one. */
  private chunks(reading: Extract<Reading, { kind: 'chunks' }>, chunk: Buffer): void {
    let rest = Buffer.concat([reading.rest, chunk])
    for (;;) {
      const start = rest[0] === 0x0d ? 2 : 0
      const line = rest.indexOf('\r\n', start)
      if (line < 0) break
      const length = Number.parseInt(rest.toString('latin1', start, line), 16)
      if (Number.isNaN(length)) return this.ended(1002, 'no chunk')
      if (length === 0) return this.ended(1000, '')
      const end = line + 2 + length
      if (rest.length < end) break
      this.events.onData(rest.subarray(line + 2, end), true)
      rest = rest.subarray(end)
    }
    reading.rest = rest
  }

  private body(reading: Extract<Reading, { kind: 'body' }>, chunk: Buffer): void {
    reading.left -= chunk.length
    this.events.onData(chunk, true)
    if (reading.left <= 0) this.ended(1000, '')
  }
}
