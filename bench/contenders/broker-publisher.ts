/**
 * Publishers without a gateway: a bare pipelined JetStream publisher, and libs/broker as the gateway runs it. Both keep the same
 * number of publications in flight and look at every acknowledgement.
 *
 * BP1. The bare one is as lean as it gets with the driver of NATS: one wildcard subscription for all replies, a callback each, no
 *      promise, no header. It would be no baseline if libs/broker did the same with less.
 */
import { connect } from '@nats-io/transport-node'
import type { Broker, createNatsBroker } from '@natter/broker'
import { openLoop } from '../harness/open-loop.js'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { pipeline, type Done, type Pipeline } from './pipeline.js'

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

/** Calls `done` with the sequence. */
type Send = (subject: string, body: Uint8Array, meta: string | undefined, done: Done) => void

let send: Send | undefined

function sender(): Send {
  if (send === undefined) throw new Error('connect first')
  return send
}

/** BP1. */
async function bare(url: string): Promise<void> {
  const nats = await connect({ servers: url })
  const inbox = `_INBOX_bench.${process.pid}.`
  const waiting = new Map<number, Done>()
  nats.subscribe(`${inbox}*`, {
    callback: (_error, message) => {
      const id = Number(message.subject.slice(inbox.length))
      const done = waiting.get(id)
      waiting.delete(id)
      const ack = JSON.parse(message.string()) as { seq?: number }
      if (ack.seq === undefined) done?.(0, new Error(message.string()))
      else done?.(ack.seq)
    },
  })
  let replies = 0
  send = (subject, body, _meta, done) => {
    replies += 1
    waiting.set(replies, done)
    nats.publish(subject, body, { reply: inbox + replies })
  }
}

async function throughBroker(url: string, lib: string): Promise<void> {
  const module = (await import(lib)) as { createNatsBroker: typeof createNatsBroker }
  const broker: Broker = await module.createNatsBroker({ urls: [url], prefix: 'natter', name: 'bench' })
  send = (subject, body, meta, done) => {
    broker.log.append(subject, body, meta === undefined ? {} : { meta }).then(
      ({ seq }) => done(seq),
      (error: unknown) => done(0, error instanceof Error ? error : new Error('not stored')),
    )
  }
}

serve({
  connect: ({ url, lib }: { url: string; lib?: string }) =>
    lib === undefined ? bare(url) : throughBroker(url, lib),
  publish: ({ subjects, bytes, meta, ...rest }: PublishWish) => {
    const publish = sender()
    const body = Buffer.from(payload(0, nowUs(), bytes))
    let n = 0
    return pipeline(rest, (done) => {
      n += 1
      publish(subjects[n % subjects.length] ?? '', body, meta, done)
    })
  },
  /** Open loop. Rejects at the first that wasn't acknowledged. */
  paced: async ({ subjects, bytes, meta, perSecond, count }: PacedWish): Promise<Published> => {
    const publish = sender()
    const acks: Promise<Published[number]>[] = []
    const one = (turn: number, dueUs: number): void => {
      const body = Buffer.from(payload(turn, dueUs, bytes))
      const subject = subjects[turn % subjects.length] ?? ''
      const acknowledged = new Promise<Published[number]>((resolve, reject) => {
        publish(subject, body, meta, (seq, error) =>
          error === undefined ? resolve([seq, dueUs]) : reject(error),
        )
      })
      acks.push(acknowledged)
    }
    await openLoop({ turns: count, perSecond, send: one })
    return Promise.all(acks)
  },
})
