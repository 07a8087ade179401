/**
 * Reads what we need from a message's header bytes in one pass, without decoding the rest.
 *
 * H1. Of what the server writes the **last** occurrence counts: it appends after the publisher's headers, so a forged
 *     `Nats-Sequence` stands first and is not believed. Of `Natter-Meta` the first counts: the server never writes it.
 * H2. A name counts at the start of a line only, and lines end with CR LF, as the server reads them.
 */
export interface HeaderScan {
  /** 0 = a plain message; 204, 404, 503 … = the server speaks. */
  status: number
  /** Whether a stream put this message out. */
  isFromStream: boolean
  seq: number
  /** `Nats-Last-Sequence`: of the subject when republished, of the reply when read directly. */
  lastSeq: number
  timeNs: bigint | undefined
  meta: string | undefined
  /** Only in direct reads. */
  subject: string | undefined
  pending: number
  upTo: number
}

const CR = 13
const LF = 10
const COLON = 58
const SPACE = 32
const STATUS_AT = 'NATS/1.0 '.length

const ascii = (name: string): Uint8Array => Buffer.from(name, 'latin1')
const META = ascii('Natter-Meta')
const STREAM = ascii('Nats-Stream')
const SUBJECT = ascii('Nats-Subject')
const SEQUENCE = ascii('Nats-Sequence')
const LAST_SEQUENCE = ascii('Nats-Last-Sequence')
const TIME_STAMP = ascii('Nats-Time-Stamp')
const NUM_PENDING = ascii('Nats-Num-Pending')
const UP_TO_SEQUENCE = ascii('Nats-UpTo-Sequence')

/** `header` is the whole block, from `NATS/1.0` to the empty line. */
export function scanHeader(header: Uint8Array): HeaderScan {
  const scan: HeaderScan = {
    status: digits(header, STATUS_AT, Math.min(STATUS_AT + 3, lineEnd(header, 0)), 0),
    isFromStream: false,
    seq: 0,
    lastSeq: 0,
    timeNs: undefined,
    meta: undefined,
    subject: undefined,
    pending: 0,
    upTo: 0,
  }
  let start = lineEnd(header, 0) + 2
  while (start < header.length) {
    const end = lineEnd(header, start)
    // every name that we look for starts with 'Nat'
    if (header[start] === 78 && header[start + 1] === 97 && header[start + 2] === 116)
      readLine(scan, header, start, end)
    start = end + 2
  }
  return scan
}

/** What `scanHeader` says of `meta`, for who needs nothing else. The header is what stands before `end`. */
export function scanMeta(bytes: Uint8Array, end: number): string | undefined {
  for (let start = lineEnd(bytes, 0) + 2; start < end;) {
    const colon = start + META.length
    const found = lineEnd(bytes, start)
    const stop = found + 1 < end ? found : end // both CR and LF have to stand before the body
    if (colon < stop && bytes[colon] === COLON && isName(bytes, start, colon, META))
      return text(bytes, bytes[colon + 1] === SPACE ? colon + 2 : colon + 1, stop)
    start = stop + 2
  }
  return undefined
}

function readLine(scan: HeaderScan, header: Uint8Array, start: number, end: number): void {
  const colon = header.indexOf(COLON, start)
  if (colon < 0 || colon >= end) return
  const value = header[colon + 1] === SPACE ? colon + 2 : colon + 1
  const is = (name: Uint8Array): boolean => isName(header, start, colon, name)
  if (is(SEQUENCE)) scan.seq = digits(header, value, end, 0)
  else if (is(LAST_SEQUENCE)) scan.lastSeq = digits(header, value, end, 0)
  else if (is(TIME_STAMP)) scan.timeNs = parseTimeNs(text(header, value, end))
  else if (is(META)) scan.meta ??= text(header, value, end)
  else if (is(STREAM)) scan.isFromStream = true
  else if (is(SUBJECT)) scan.subject = text(header, value, end)
  else if (is(NUM_PENDING)) scan.pending = digits(header, value, end, 0)
  else if (is(UP_TO_SEQUENCE)) scan.upTo = digits(header, value, end, 0)
}

function lineEnd(header: Uint8Array, from: number): number {
  let at = header.indexOf(CR, from)
  while (at >= 0 && header[at + 1] !== LF) at = header.indexOf(CR, at + 1)
  return at < 0 ? header.length : at
}

function isName(header: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false
  // backwards: the names differ at their ends
  for (let i = name.length - 1; i >= 0; i -= 1) if (header[start + i] !== name[i]) return false
  return true
}

function digits(bytes: Uint8Array, start: number, end: number, otherwise: number): number {
  let value = 0
  for (let i = start; i < end; i += 1) {
    const digit = (bytes[i] ?? 0) - 48
    if (digit < 0 || digit > 9) return otherwise
    value = value * 10 + digit
  }
  return end > start ? value : otherwise
}

function text(bytes: Uint8Array, start: number, end: number): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return buffer.toString('latin1', start, end)
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/
const SECONDS_LENGTH = 'YYYY-MM-DDTHH:MM:SS'.length

/** Messages of one second share all but the fraction: thousands in a row begin alike. */
let lastSecond = { text: '', ns: 0n }

/** Nanoseconds since 1970. The server drops trailing zeros, and the whole fraction when it is zero: never compare as text. */
export function parseTimeNs(stamp: string): bigint | undefined {
  if (lastSecond.text !== '' && stamp.startsWith(lastSecond.text)) {
    const fraction = parseFraction(stamp)
    if (fraction !== undefined) return lastSecond.ns + BigInt(fraction)
  }
  return parseWhole(stamp)
}

function parseWhole(stamp: string): bigint | undefined {
  const parts = TIME.exec(stamp)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = ''] = parts
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const ns = BigInt(ms) * 1_000_000n
  lastSecond = { text: stamp.slice(0, SECONDS_LENGTH), ns }
  return ns + BigInt(fraction.padEnd(9, '0'))
}

/** Of what stands behind the seconds: `.` and one to nine digits, then `Z`; anything else is left to the whole parser. */
function parseFraction(stamp: string): number | undefined {
  const end = stamp.length - 1
  const digitCount = end - SECONDS_LENGTH - 1
  if (digitCount < 1 || digitCount > 9 || stamp[SECONDS_LENGTH] !== '.' || stamp[end] !== 'Z')
    return undefined
  let fraction = 0
  for (let at = SECONDS_LENGTH + 1; at < end; at += 1) {
    const digit = stamp.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return undefined
    fraction = fraction * 10 + digit
  }
  return fraction * 10 ** (9 - digitCount)
}
