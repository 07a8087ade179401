/**
 * The everyday message: publishes as SDKs write them, `{"id":7,"publish":{"channel":"room","data":…}}`, one per line. They are read
 * from the bytes in one pass; to parse them, find the data in the text and encode it again costs five times as much.
 *
 * P1. What is read here reads the same in `json-decoder.ts`; whatever is unusual is left to it, as a whole.
 * P2. `data` is a copy: the message is only lent.
 */
import type { Bytes, Command } from '../messages.js'
import { JsonScanner } from './json-scanner.js'
import { decodeUtf8 } from './json-text.js'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const idKey = ascii('"id":')
const publishKey = ascii('"publish":{')
const channelKey = ascii('"channel":')
const dataKey = ascii('"data":')
const nothing = ascii('null')
const newline = 0x0a
const openBrace = 0x7b
const closeBrace = 0x7d
const comma = 0x2c
const backslash = 0x5c
const maxId = 0xffff_ffff
/** Of the name of a channel: longer ones are refused anyway. */
const maxKnownBytes = 255

/** Undefined: at least one line is something else, or not plain, or not valid. */
export function readPlainPublishes(message: Uint8Array): Command[] | undefined {
  const commands: Command[] = []
  let start = 0
  do {
    const scanner = new JsonScanner(message, start)
    const command = readPublish(scanner)
    if (command === undefined) return undefined
    commands.push(command)
    start = scanner.at + 1
    if (scanner.at < message.length && message[scanner.at] !== newline) return undefined
  } while (start < message.length)
  return commands
}

/** Its two members in either order: SDKs add the id first or last. */
function readPublish(scanner: JsonScanner): Command | undefined {
  const from = scanner.at
  if (!scanner.skipByte(openBrace)) return undefined
  let id = readId(scanner)
  if (id !== undefined && !scanner.skipByte(comma)) return undefined
  const request = readRequest(scanner)
  if (request === undefined) return undefined
  if (id === undefined) {
    if (!scanner.skipByte(comma)) return undefined
    id = readId(scanner)
  }
  if (id === undefined || !scanner.skipByte(closeBrace)) return undefined
  if (!scanner.isAscii && !isUtf8(scanner.bytes.subarray(from, scanner.at))) return undefined
  return { id, method: 'publish', request }
}

function readId(scanner: JsonScanner): number | undefined {
  if (!scanner.skip(idKey)) return undefined
  const { bytes } = scanner
  let id = 0
  for (;;) {
    const digit = (bytes[scanner.at] ?? 0) - 0x30
    if (digit < 0 || digit > 9 || id > maxId) break
    if (id === 0 && digit === 0) return undefined // no id, or not JSON
    id = id * 10 + digit
    scanner.at += 1
  }
  return id === 0 || id > maxId ? undefined : id
}

function readRequest(scanner: JsonScanner): { channel: string; data: Bytes } | undefined {
  if (!scanner.skip(publishKey)) return undefined
  let data = readData(scanner)
  if (data !== undefined && !scanner.skipByte(comma)) return undefined
  const channel = readChannel(scanner)
  if (channel === undefined) return undefined
  if (data === undefined) {
    if (!scanner.skipByte(comma)) return undefined
    data = readData(scanner)
  }
  if (data === undefined || !scanner.skipByte(closeBrace)) return undefined
  return { channel, data }
}

function readChannel(scanner: JsonScanner): string | undefined {
  if (!scanner.skip(channelKey)) return undefined
  const start = scanner.at + 1
  return scanner.skipString() ? plainName(scanner.bytes, start, scanner.at - 1) : undefined
}

interface KnownName {
  bytes: Uint8Array
  text: string
}

/** Clients publish into few channels, again and again: their names needn't be decoded, nor hashed by each map behind, each time. */
const knownNames: (KnownName | undefined)[] = Array.from({ length: 1_024 }, () => undefined)

/** Undefined: empty, or more than printable ASCII without escapes. */
function plainName(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = 0
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte === backslash || byte > 0x7e) return undefined
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  if (start === end) return undefined
  const place = (hash ^ (hash >>> 10)) & (knownNames.length - 1)
  const known = knownNames[place]
  if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.text
  const name = bytes.slice(start, end)
  const text = decodeUtf8(name)
  if (name.length <= maxKnownBytes) knownNames[place] = { bytes: name, text }
  return text
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let at = start; at < end; at += 1) if (bytes[at] !== name[at - start]) return false
  return true
}

function readData(scanner: JsonScanner): Bytes | undefined {
  if (!scanner.skip(dataKey)) return undefined
  const start = scanner.at
  if (scanner.skip(nothing)) return undefined // reads as absent
  return scanner.skipValue() ? copyOf(scanner.bytes, start, scanner.at) : undefined
}

function isUtf8(bytes: Bytes): boolean {
  try {
    decodeUtf8(bytes)
    return true
  } catch {
    return false
  }
}

const pieceBytes = 8_192
/** Longer ones get memory of their own. */
const maxPooledBytes = 1_024
let piece = new Uint8Array(pieceBytes)
let used = 0

/** P2. Short ones share a piece of memory: one of its own costs more than all the reading. */
function copyOf(bytes: Uint8Array, start: number, end: number): Bytes {
  const length = end - start
  if (length > maxPooledBytes) return bytes.slice(start, end)
  if (used + length > pieceBytes) {
    piece = new Uint8Array(pieceBytes)
    used = 0
  }
  const copy = piece.subarray(used, used + length)
  copy.set(bytes.subarray(start, end))
  used += length
  return copy
}
