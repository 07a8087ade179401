/** What the stream holds at the end, asked of its leader message by message: not through the broker that is being judged. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { StoredPublication, StreamContent } from './evidence.js'
import { hashOf } from './history.js'
import { idOf } from './publication-data.js'

/** Requests in flight. */
const atOnce = 200

interface Answer {
  error?: { code: number; description: string }
}

interface StreamInfo extends Answer {
  state: { first_seq: number; last_seq: number }
}

interface MessageAnswer extends Answer {
  message?: { subject: string; seq: number; data?: string; time: string }
}

export async function withNats<T>(url: string, read: (nats: NatsConnection) => Promise<T>): Promise<T> {
  const nats = await connect({ servers: url, timeout: 5_000 })
  try {
    return await read(nats)
  } finally {
    await nats.close()
  }
}

/** The only stream of channels that the mesh with this prefix has in a run. */
export const streamOf = (prefix: string): string => `${prefix.toUpperCase()}_CH_0`

/** A publication as it was stored. */
export interface StoredData {
  seq: number
  atMs: number
  channel: string
  data: Buffer
}

/** @throws Error when the stream has dropped messages: then nothing could be judged. */
export async function readStream(nats: NatsConnection, prefix: string): Promise<StreamContent> {
  const { lastSeq, stored } = await readData(nats, prefix)
  return {
    epoch: await epochOf(nats, prefix, streamOf(prefix)),
    lastSeq,
    publications: stored.map(toPublication),
  }
}

/** In the order of the stream. @throws Error as {@link readStream}. */
export async function readData(
  nats: NatsConnection,
  prefix: string,
): Promise<{ lastSeq: number; stored: StoredData[] }> {
  const stream = streamOf(prefix)
  const { first_seq: first, last_seq: lastSeq } = await stateOf(nats, stream)
  if (first > 1) throw new Error(`${stream} begins at ${first}: it has dropped messages`)
  const stored: StoredData[] = []
  for (let from = 1; from <= lastSeq; from += atOnce) {
    const seqs = Array.from({ length: Math.min(atOnce, lastSeq - from + 1) }, (_, n) => from + n)
    const messages = await Promise.all(seqs.map((seq) => messageAt(nats, stream, seq)))
    stored.push(...messages.flatMap((message) => toData(message, prefix)))
  }
  return { lastSeq, stored }
}

async function stateOf(nats: NatsConnection, stream: string): Promise<StreamInfo['state']> {
  return (await ask<StreamInfo>(nats, `$JS.API.STREAM.INFO.${stream}`, {})).state
}

async function messageAt(
  nats: NatsConnection,
  stream: string,
  seq: number,
): Promise<MessageAnswer['message']> {
  return (await ask<MessageAnswer>(nats, `$JS.API.STREAM.MSG.GET.${stream}`, { seq })).message
}

async function ask<T extends Answer>(nats: NatsConnection, subject: string, question: object): Promise<T> {
  const answer = (await nats.request(subject, JSON.stringify(question), { timeout: 10_000 })).json<T>()
  if (answer.error !== undefined && answer.error.code !== 404)
    throw new Error(`${subject}: ${answer.error.description}`)
  return answer
}

function toData(message: MessageAnswer['message'], prefix: string): StoredData[] {
  const [family, kind, , , name] = message?.subject.split('.') ?? []
  if (message === undefined || family !== prefix || kind !== 'c' || name === undefined) return []
  const data = Buffer.from(message.data ?? '', 'base64')
  const channel = name.replaceAll(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const { seq, time } = message
  return [{ seq, atMs: Date.parse(time), channel, data }]
}

const toPublication = ({ data, ...place }: StoredData): StoredPublication => ({
  ...place,
  id: idOf(data.toString('utf8')),
  hash: hashOf(data),
})

/** As the record says that all nodes go by. */
async function epochOf(nats: NatsConnection, prefix: string, stream: string): Promise<string> {
  const bucket = `KV_${prefix.toUpperCase()}_topology`
  const question = { last_by_subj: `$KV.${prefix.toUpperCase()}_topology.shards` }
  const { message } = await ask<MessageAnswer>(nats, `$JS.API.STREAM.MSG.GET.${bucket}`, question)
  const record = JSON.parse(Buffer.from(message?.data ?? '', 'base64').toString('utf8')) as {
    streams: { name: string; epoch: string }[]
  }
  return record.streams.find(({ name }) => name === stream)?.epoch ?? ''
}
