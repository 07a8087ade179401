/** WebSocket frames by hand (RFC 6455, section 5), for peers that must be able to get them wrong. */
import { randomBytes } from 'node:crypto'

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface RawFrame {
  opcode: number
  payload: Uint8Array
  /** Default true. */
  fin?: boolean
  /** Clients must mask; default true. */
  masked?: boolean
  /** Lies about the length. Default: the payload's. */
  claimedLength?: number
}

export function encodeFrame({ opcode, payload, fin = true, masked = true, claimedLength }: RawFrame): Buffer {
  const header = encodeHeader((fin ? 0x80 : 0) | opcode, claimedLength ?? payload.byteLength, masked)
  if (!masked) return Buffer.concat([header, payload])
  const mask = randomBytes(4)
  const body = Buffer.from(payload)
  for (let i = 0; i < body.length; i += 1) body[i] = byteAt(body, i) ^ byteAt(mask, i % 4)
  return Buffer.concat([header, mask, body])
}

function encodeHeader(first: number, length: number, masked: boolean): Buffer {
  const maskBit = masked ? 0x80 : 0
  if (length < 126) return Buffer.from([first, maskBit | length])
  if (length < 65_536) return Buffer.from([first, maskBit | 126, length >> 8, length & 0xff])
  const header = Buffer.alloc(10)
  header[0] = first
  header[1] = maskBit | 127
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0

export interface ReceivedFrame {
  opcode: number
  fin: boolean
  payload: Buffer
}

/** Cuts a byte stream into frames, however it was split on the way. */
export class FrameReader {
  private chunks: Buffer[] = []
  private bytes = 0

  /** The frames that are complete now. */
  push(chunk: Buffer): ReceivedFrame[] {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    const frames: ReceivedFrame[] = []
    let rest = Buffer.concat(this.chunks, this.bytes)
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      frames.push(frame.frame)
      rest = rest.subarray(frame.size)
    }
    this.chunks = [rest]
    this.bytes = rest.length
    return frames
  }
}

function readFrame(bytes: Buffer): { frame: ReceivedFrame; size: number } | undefined {
  if (bytes.length < 2) return undefined
  const short = byteAt(bytes, 1) & 0x7f
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
  const isMasked = (byteAt(bytes, 1) & 0x80) !== 0
  const start = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (bytes.length < start) return undefined
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short
  if (bytes.length < start + length) return undefined
  const payload = Buffer.from(bytes.subarray(start, start + length))
  if (isMasked)
    for (let i = 0; i < length; i += 1) payload[i] = byteAt(payload, i) ^ byteAt(bytes, start - 4 + (i % 4))
  return {
    frame: { opcode: byteAt(bytes, 0) & 0x0f, fin: (byteAt(bytes, 0) & 0x80) !== 0, payload },
    size: start + length,
  }
}
