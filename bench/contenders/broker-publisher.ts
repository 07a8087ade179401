/**
 * Publishers without a gateway: a bare pipelined JetStream publisher, and libs/broker as the gateway runs it. Both keep the same
 * number of publications in flight and await every acknowledgement.
 */
import { connect } from '@nats-io/transport-node'
import type { Broker, createNatsBroker } from '@natter/broker'
import { nowUs, payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'
import { pipeline, type Pipeline } from './pipeline.js'

export interface PublishWish extends Pipeline {
  subject: string
  bytes: number
  meta?: string
}

let send: ((subject: string, body: Uint8Array, meta: string | undefined) => Promise<void>) | undefined

/** Replies come to one wildcard subscription, as the drivers of NATS do it, without a promise of their own per layer. */
async function bare(url: string): Promise<void> {
  const nats = await connect({ servers: url })
  const inbox = `_INBOX_bench.${process.pid}`
  const waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  nats.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      const asked = waiting.get(message.subject)
      waiting.delete(message.subject)
      const ack = message.json<{ seq?: number; error?: unknown }>()
      if (ack.seq === undefined) asked?.reject(new Error(JSON.stringify(ack)))
      else asked?.resolve()
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
    await broker.log.append(subject, body, meta === undefined ? {} : { meta })
  }
}

serve({
  connect: ({ url, lib }: { url: string; lib?: string }) =>
    lib === undefined ? bare(url) : throughBroker(url, lib),
  publish: ({ subject, bytes, meta, ...rest }: PublishWish) => {
    const publish = send
    if (publish === undefined) throw new Error('connect first')
    const body = Buffer.from(payload(0, nowUs(), bytes))
    return pipeline(rest, () => publish(subject, body, meta))
  },
})
