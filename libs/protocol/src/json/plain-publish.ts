/**
 * The everyday message: publishes as SDKs write them, `{"id":7,"publish":{"channel":"room","data":…}}`, one per line. They are read
 * from the bytes in one pass; to parse them, find the data in the text and encode it again costs five times as much.
 *
 * P1. What is read here reads the same in `json-decoder.ts`; whatever is unusual is left to it, as a whole.
 * P2. `data` is a copy: the message is only lent.
 */
import type { Bytes, Command } from '../messages.js'
import { asciiName } from '../known-names.js'
import { ownCopy } from '../own-copy.js'
import { decodeUtf8 } from '../utf8.js'
import { JsonScanner } from './json-scanner.js'

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
const maxId = 0xffff_ffff

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

/** Undefined: empty, or more than printable ASCII without escapes. */
function plainName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const name = asciiName(bytes, start, end)
  return name?.includes('\\') ? undefined : name
}

function readData(scanner: JsonScanner): Bytes | undefined {
  if (!scanner.skip(dataKey)) return undefined
  const start = scanner.at
  if (scanner.skip(nothing)) return undefined // reads as absent
  return scanner.skipValue() ? ownCopy(scanner.bytes, start, scanner.at) : undefined // P2
}

function isUtf8(bytes: Bytes): boolean {
  try {
    decodeUtf8(bytes)
    return true
  } catch {
    return false
  }
}
