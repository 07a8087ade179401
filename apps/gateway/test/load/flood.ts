/**
 * Clients that flood a gateway from a process of their own, and come back at once when they are closed: `flood.ts port sockets
 * kind,kind…`, the sockets dealt out over the kinds. Prints `{connects, bytes, closes}` as JSON lines, once a second.
 */
import { connect, type Socket } from 'node:net'
import { encodeFrame, FrameReader, opcodes } from '@natter/testing'

const [port = 0, sockets = 1] = process.argv.slice(2, 4).map(Number)
const kinds = (process.argv[4] ?? 'publish').split(',')

const stats = { connects: 0, bytes: 0, closes: {} as Record<string, number> }

const publish = (id: number): string =>
  JSON.stringify({ id, publish: { channel: 'live:flood', data: { n: id } } })

/** What one frame says, for each kind of flood. */
const payloads: Record<string, (n: number) => string> = {
  publish,
  stored: (n) => publish(n).replace('live:', 'hello:'),
  batch: (n) => Array.from({ length: 1_000 }, (_, index) => publish(n * 1_000 + index)).join('\n'),
  rpc: (n) => JSON.stringify({ id: n, rpc: {} }),
  pings: () => '{}\n'.repeat(20_000),
  halfPings: () => '{}\n'.repeat(9_000),
  churn: (n) =>
    `{"id":${2 * n},"subscribe":{"channel":"live:c${n % 5_000}"}}\n` +
    `{"id":${2 * n + 1},"unsubscribe":{"channel":"live:c${n % 5_000}"}}`,
  big: (n) => JSON.stringify({ id: n, publish: { channel: 'live:flood', data: 'x'.repeat(65_000) } }),
  nested: (n) => `{"id":${n},"rpc":{"data":${'['.repeat(32_000)}${']'.repeat(32_000)}}}`,
}

const text = (payload: string): Buffer => encodeFrame({ opcode: opcodes.text, payload: Buffer.from(payload) })

/** Half a mebibyte of frames: what the gateway takes from a socket in one read. */
function chunkOf(make: (n: number) => string): Buffer {
  const frames: Buffer[] = []
  for (let [n, bytes] = [2, 0]; bytes < 524_288; n += 1) {
    const frame = text(make(n))
    frames.push(frame)
    bytes += frame.length
  }
  return Buffer.concat(frames)
}

const chunks = kinds.map((kind) => chunkOf(payloads[kind] ?? publish))
const hello = text('{"id":1,"connect":{}}')
const handshake =
  `GET /connection/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`

function pump(socket: Socket, chunk: Buffer): void {
  while (socket.writable) {
    stats.bytes += chunk.length
    if (!socket.write(chunk)) return
  }
}

function start(chunk: Buffer): void {
  const socket = connect(port, '127.0.0.1')
  const reader = new FrameReader()
  let isOpen = false
  let code = 1006
  socket.on('connect', () => {
    stats.connects += 1
    socket.write(handshake)
  })
  socket.on('data', (data: Buffer) => {
    if (isOpen) {
      if (data.length > 1_000) return // replies: nobody reads them
      for (const frame of reader.push(data)) {
        if (frame.opcode !== opcodes.close) continue
        code = frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0)
        socket.destroy()
      }
      return
    }
    isOpen = true
    socket.write(hello)
    pump(socket, chunk)
  })
  socket.on('drain', () => pump(socket, chunk))
  socket.on('error', () => {})
  socket.on('close', () => {
    stats.closes[code] = (stats.closes[code] ?? 0) + 1
    setTimeout(() => start(chunk), isOpen ? 0 : 20)
  })
}

for (let n = 0; n < sockets; n += 1) start(chunks[n % chunks.length] ?? Buffer.alloc(0))
setInterval(() => process.stdout.write(`${JSON.stringify(stats)}\n`), 1_000)
