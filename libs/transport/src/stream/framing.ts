import type { Frame } from '@natter/protocol'
import type { Framing } from '../transport.js'

/** How the frames of one kind of stream are written; one object for all streams of the kind. */
export interface Framer {
  readonly contentType: string
  /** Written when the stream opens. */
  readonly preamble: string | undefined
  toBytes(frame: Frame): Buffer
}

export const framers: Readonly<Record<Framing, Framer>> = {
  lines: {
    contentType: 'application/json; charset=utf-8',
    preamble: undefined, // an SDK would take an empty line for a reply
    toBytes: (frame) => Buffer.from(`${textOf(frame)}\n`),
  },
  events: {
    contentType: 'text/event-stream; charset=utf-8',
    preamble: '\r\n', // browsers call the source open with its first byte
    toBytes: (frame) => Buffer.from(`data: ${textOf(frame).replaceAll('\n', '\n\ndata: ')}\n\n`),
  },
  bytes: {
    contentType: 'application/octet-stream',
    preamble: undefined,
    toBytes: (frame) => (typeof frame === 'string' ? Buffer.from(frame) : viewOf(frame)),
  },
}

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const textOf = (frame: Frame): string => (typeof frame === 'string' ? frame : viewOf(frame).toString())
