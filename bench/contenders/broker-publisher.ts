/**
 * Publishers without a gateway: a bare pipelined JetStream publisher, and libs/broker as the gateway runs it. Both keep the same
 * number of publications in flight and await every acknowledgement.
 */
import { connect } from '@nats-io/transport-node'
import type { Broker, createNatsBroker } from '@natter/broker'
import { openLoop } from '../harness/open-loop.js'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { pipeline, type Pipeline } from './pipeline.js'

export interface PublishWish extends Pipeline {
  /** Used in turn. */
  subjects: readonly string[]
  bytes: number
  meta?: string
}

export interface PacedWish {
  subjects: readonly string[]
  bytes: number
  meta?: string
  perSecond: number
  count: number
}

/** Of each publication: its sequence, and when it was due. */
export type Published = [seq: number, dueUs: number][]

/** Answers the sequence. */
type Send = (subject: string, body: Uint8Array, meta: string | undefined) => Promise<number>

let send: Send | undefined

function sender(): Send {
  if (send === undefined) throw new Error('connect first')
  return send
}

/** Replies come to one wildcard subscription, as the drivers of NATS do it, without a promise of their own per layer. */
async function bare(url: string): Promise<void> {
  const nats = await connect({ servers: url })
  const inbox = `_INBOX_bench.${process.pid}`
  const waiting = new Map<string, { resolve: (seq: number) => void; reject: (error: Error) => void }>()
  nats.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      const asked = waiting.get(message.subject)
      waiting.delete(message.subject)
      const ack = message.json<{ seq?: number; error?: unknown }>()
      if (ack.seq === undefined) asked?.reject(new Error(JSON.stringify(ack)))
      else asked?.resolve(ack.seq)
    },
  })
  let replies = 0
  send = (subject, body) =>
    new Promise((resolve, reject) => {
      replies += 1
      const reply = `${inbox}.${replies}`
      waiting.set(reply, { resolve, reject })
      nats.publish(subject, body, { reply })
    })
}

async function throughBroker(url: string, lib: string): Promise<void> {
  const module = (await import(lib)) as { createNatsBroker: typeof createNatsBroker }
  const broker: Broker = await module.createNatsBroker({ urls: [url], prefix: 'natter', name: 'bench' })
  send = async (subject, body, meta) => {
    const { seq } = await broker.log.append(subject, body, meta === undefined ? {} : { meta })
    return seq
  }
}

serve({
  connect: ({ url, lib }: { url: string; lib?: string }) =>
    lib === undefined ? bare(url) : throughBroker(url, lib),
  publish: ({ subjects, bytes, meta, ...rest }: PublishWish) => {
    const publish = sender()
    const body = Buffer.from(payload(0, nowUs(), bytes))
    let n = 0
    return pipeline(rest, () => {
      n += 1
      return publish(subjects[n % subjects.length] ?? '', body, meta)
    })
  },
  paced: async ({ subjects, bytes, meta, perSecond, count }: PacedWish): Promise<Published> => {
    const publish = sender()
    const acks: Promise<Published[number]>[] = []
    const one = (turn: number, dueUs: number): void => {
      const body = Buffer.from(payload(turn, dueUs, bytes))
      const subject = subjects[turn % subjects.length] ?? ''
      acks.push(publish(subject, body, meta).then((seq) => [seq, dueUs]))
    }
    await openLoop({ turns: count, perSecond, send: one })
    return Promise.all(acks)
  },
})
