/**
 * The one place that looks behind nats.js's doors. Its header object decodes every line and canonicalises every name, which
 * costs more than all the rest of a delivery; the bytes are there, in two fields that the types hide.
 * `test/raw-message.int-spec.ts` fails when they move.
 */
import type { Msg } from '@nats-io/transport-node'
import { parseDelivery, type Delivery } from '../delivery.js'
import { scanHeader, scanMeta, type HeaderScan } from '../header-scan.js'

interface RawMsg {
  readonly _rdata: Uint8Array
  readonly _msg: { readonly subject: Uint8Array; readonly reply?: Uint8Array; readonly hdr: number }
}

/** The header block, or undefined when the message has none. Valid during the callback. */
export function headerBytesOf(msg: Msg): Uint8Array | undefined {
  const { _rdata, _msg } = msg as unknown as RawMsg
  return _msg.hdr > 0 ? _rdata.subarray(0, _msg.hdr) : undefined
}

export function scanOf(msg: Msg): HeaderScan | undefined {
  const header = headerBytesOf(msg)
  return header === undefined ? undefined : scanHeader(header)
}

/** Undefined when no consumer delivered the message. */
export function deliveryOf(msg: Msg): Delivery | undefined {
  const { reply } = (msg as unknown as RawMsg)._msg
  return reply === undefined ? undefined : parseDelivery(reply)
}

/** The text of `Natter-Meta`, as `scanOf` finds it. */
export function metaOf(msg: Msg): string | undefined {
  const { _rdata, _msg } = msg as unknown as RawMsg
  return _msg.hdr > 0 ? scanMeta(_rdata, _msg.hdr) : undefined
}

/** As `msg.subject`, without a decoder. */
export function subjectOf(msg: Msg): string {
  const { subject } = (msg as unknown as RawMsg)._msg
  const bytes =
    subject instanceof Buffer ? subject : Buffer.from(subject.buffer, subject.byteOffset, subject.length)
  return bytes.toString('utf8')
}

/** The number after the last dot of the subject, without decoding it. */
export function tokenOf(msg: Msg): number {
  const { subject } = (msg as unknown as RawMsg)._msg
  let token = 0
  let unit = 1
  for (let at = subject.length - 1; at >= 0; at -= 1) {
    const digit = (subject[at] ?? 0) - 48
    if (digit < 0) break // the dot
    token += digit * unit
    unit *= 10
  }
  return token
}

const LINE = /^[\x20-\x7e]*$/

/**
 * The header block of a message, from lines that are already text.
 *
 * @throws TypeError when a value could end its line: nothing a user chooses becomes a header.
 */
export function rawHeaders(lines: readonly string[]): Uint8Array {
  let text = 'NATS/1.0\r\n'
  for (const line of lines) {
    if (!LINE.test(line)) throw new TypeError('A header line must be printable ASCII')
    text += `${line}\r\n`
  }
  return Buffer.from(`${text}\r\n`, 'latin1')
}
