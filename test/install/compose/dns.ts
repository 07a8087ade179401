/** Docker's DNS, as far as nginx asks it: the addresses of a service's containers, one after the other in front. */
import { createSocket } from 'node:dgram'

export interface Dns {
  /** As in nginx' `resolver`. */
  readonly address: string
  /** Addresses by name; may change at any time. A name that isn't there does not exist. */
  readonly services: Map<string, readonly string[]>
  close(): Promise<void>
}

/** Docker's own time to live: nobody may rely on it. */
const ttlSeconds = 600
const port = 5353
const [typeA, classIn] = [1, 1]

export async function startDns(host: string): Promise<Dns> {
  const services = new Map<string, readonly string[]>()
  const socket = createSocket('udp4')
  let turn = 0
  socket.on('message', (query, from) => {
    turn += 1
    socket.send(answer(query, services, turn), from.port, from.address)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, resolve)
  })
  return {
    address: `${host}:${port}`,
    services,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function answer(query: Buffer, services: ReadonlyMap<string, readonly string[]>, turn: number): Buffer {
  const { name, end } = questionIn(query)
  const found = services.get(name)
  const addresses = found ?? []
  const rotated = addresses.map((_, index) => addresses[(index + turn) % addresses.length] ?? '')
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(found === undefined ? 0x8183 : 0x8180, 2) // an answer; no such name, or no error
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(rotated.length, 6)
  return Buffer.concat([header, query.subarray(12, end), ...rotated.map((address) => recordOf(address))])
}

function questionIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.'), end: at + 5 }
}

function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt16BE(0xc00c, 0) // the name of the question
  record.writeUInt16BE(typeA, 2)
  record.writeUInt16BE(classIn, 4)
  record.writeUInt32BE(ttlSeconds, 6)
  record.writeUInt16BE(4, 10)
  for (const [index, byte] of address.split('.').entries()) record[12 + index] = Number(byte)
  return record
}
