/** Reads what a gateway says, without its codecs: what they write wrong they might read wrong. */
import type { Carrier, Encoding, Told } from './case.js'

export interface Reader {
  /** Whatever of it is whole; what is no reply is passed to `unreadable`. */
  push(bytes: Buffer): Told[]
}

/** The secret and the node that a POST to /emulation names, once the connection has them. */
export interface SessionOf {
  session: string
  node: string
}

export function readerFor(
  carrier: Carrier,
  encoding: Encoding,
  unreadable: (text: string) => void,
  onSession: (session: SessionOf) => void,
): Reader {
  const json = (text: string): Told[] => jsonTold(text, unreadable, onSession)
  if (encoding === 'protobuf') return protobufReader(unreadable, onSession)
  if (carrier === 'websocket' || carrier === 'uni_websocket')
    return { push: (bytes) => bytes.toString('utf8').split('\n').flatMap(json) }
  return carrier.endsWith('sse') ? eventReader(json, unreadable) : lineReader(json)
}

function lineReader(json: (text: string) => Told[]): Reader {
  let rest = ''
  return {
    push: (bytes) => {
      const lines = (rest + bytes.toString('utf8')).split('\n')
      rest = lines.pop() ?? ''
      return lines.flatMap(json)
    },
  }
}

function eventReader(json: (text: string) => Told[], unreadable: (text: string) => void): Reader {
  let rest = ''
  return {
    push: (bytes) => {
      const events = (rest + bytes.toString('utf8')).split(/\r\n\r\n|\n\n/)
      rest = events.pop() ?? ''
      return events.flatMap((event) => {
        const said = event.trim()
        if (said === '') return []
        if (!said.startsWith('data: ')) return (unreadable(said), [])
        return json(said.slice('data: '.length))
      })
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function jsonTold(
  text: string,
  unreadable: (text: string) => void,
  onSession: (session: SessionOf) => void,
): Told[] {
  let reply: unknown
  try {
    reply = JSON.parse(text)
  } catch {
    reply = undefined
  }
  if (!isFields(reply)) return (unreadable(text), [])
  const { id = 0, error, connect } = reply
  if (isFields(connect) && typeof connect['session'] === 'string')
    onSession({ session: connect['session'], node: String(connect['node']) })
  const push = isFields(reply['push']) ? reply['push'] : reply // unidirectional ones come bare
  const ends = (['unsubscribe', 'disconnect'] as const).find((name) => id === 0 && isFields(push[name]))
  if (ends !== undefined) {
    const { code, reason } = push[ends] as Fields
    return [{ id: Number(id), push: ends, code: Number(code), reason: String(reason) }]
  }
  if (error === undefined) return [id === 0 ? { id: 0, push: 'other' } : { id: Number(id) }]
  const { code, message, temporary = false } = isFields(error) ? error : {}
  return [
    {
      id: Number(id),
      error: { code: Number(code), message: String(message), isTemporary: temporary === true },
    },
  ]
}

type Raw = ReadonlyMap<number, number | Buffer>

function protobufReader(unreadable: (text: string) => void, onSession: (session: SessionOf) => void): Reader {
  let rest = Buffer.alloc(0)
  return {
    push: (bytes) => {
      rest = Buffer.concat([rest, bytes])
      const told: Told[] = []
      for (let next = cut(rest); next !== undefined; next = cut(rest)) {
        rest = rest.subarray(next.size)
        try {
          told.push(protobufTold(next.message, onSession))
        } catch (error) {
          unreadable(`${next.message.toString('hex')}: ${String(error)}`)
        }
      }
      return told
    },
  }
}

function cut(bytes: Buffer): { message: Buffer; size: number } | undefined {
  const length = readVarint(bytes, 0)
  if (length === undefined || bytes.length < length.end + length.value) return undefined
  const size = length.end + length.value
  return { message: bytes.subarray(length.end, size), size }
}

function readVarint(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0
  for (let end = at; end < bytes.length && end < at + 10; end += 1) {
    const byte = bytes[end] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * (end - at))
    if (byte < 0x80) return { value, end: end + 1 }
  }
  return undefined
}

/** Of each number the last value, as Protobuf has it. */
function fieldsOf(bytes: Buffer): Raw {
  const fields = new Map<number, number | Buffer>()
  let at = 0
  const whole = (): number => {
    const read = readVarint(bytes, at)
    if (read === undefined) throw new Error('a number without end')
    at = read.end
    return read.value
  }
  while (at < bytes.length) {
    const tag = whole()
    const [number, wireType] = [Math.floor(tag / 8), tag % 8]
    if (wireType === 0) fields.set(number, whole())
    else if (wireType === 2) {
      const length = whole()
      if (at + length > bytes.length) throw new Error('a length that lies')
      fields.set(number, bytes.subarray(at, (at += length)))
    } else throw new Error(`wire type ${wireType}`)
  }
  return fields
}

const inside = (fields: Raw, number: number): Raw | undefined => {
  const value = fields.get(number)
  return value instanceof Buffer ? fieldsOf(value) : undefined
}
const numberOf = (fields: Raw, number: number): number => {
  const value = fields.get(number) ?? 0
  return typeof value === 'number' ? value : Number.NaN
}
const textOf = (fields: Raw, number: number): string => {
  const value = fields.get(number)
  return value instanceof Buffer ? value.toString('utf8') : ''
}

/** By the numbers of Reply, Error, Push and ConnectResult. */
function protobufTold(message: Buffer, onSession: (session: SessionOf) => void): Told {
  const reply = fieldsOf(message)
  const id = numberOf(reply, 1)
  const [error, push, connect] = [inside(reply, 2), inside(reply, 4), inside(reply, 5)]
  if (connect !== undefined && connect.has(9))
    onSession({ session: textOf(connect, 9), node: textOf(connect, 10) })
  if (error !== undefined)
    return {
      id,
      error: { code: numberOf(error, 1), message: textOf(error, 2), isTemporary: numberOf(error, 3) === 1 },
    }
  const unsubscribe = push && inside(push, 7)
  if (unsubscribe !== undefined)
    return { id: 0, push: 'unsubscribe', code: numberOf(unsubscribe, 2), reason: textOf(unsubscribe, 3) }
  const disconnect = push && inside(push, 11)
  if (disconnect !== undefined)
    return { id: 0, push: 'disconnect', code: numberOf(disconnect, 1), reason: textOf(disconnect, 2) }
  return id === 0 ? { id, push: 'other' } : { id }
}
