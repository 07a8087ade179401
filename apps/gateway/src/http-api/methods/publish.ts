/**
 * What backends publish.
 *
 * PB1. It is answered after the stream stored it, with its place; where a channel keeps nothing, when it was sent.
 * PB2. With an idempotency key it is published once into a channel, see `idempotency.ts`. A broadcast has a key for each channel.
 * PB4. With a version it is left out where the channel has one that is as new, see `versions.ts`.
 * PB3. Names, the namespace and the form of the data hold for backends as for clients; what a namespace allows to clients doesn't bind them.
 */
import { acceptsData, type Namespace } from '@natter/auth'
import { encodeMeta } from '@natter/broker'
import { Errors, isJson, type Bytes } from '@natter/protocol'
import { z } from 'zod'
import { demand, demandChannel } from '../../api/checks.js'
import { explain, RefusedError } from '../../api/refusal.js'
import type { Sender } from '../../publishing/publisher.js'
import { errorOf } from '../errors.js'
import type { PublishResult } from '../idempotency.js'
import type { Version } from '../versions.js'
import { defineMethod, type ApiContext, type RawMembers } from '../method.js'
import { channel, errorShape, publication, published } from '../shapes.js'

const maxChannels = 1_000

interface Publication {
  readonly data: Bytes
  readonly isPassing: boolean
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly key: string | undefined
  readonly delta: boolean
  readonly version: Version | undefined
}

const publicationShape = z.object(publication)

export const publish = defineMethod({
  summary: 'Publishes into a channel.',
  params: z.object({ channel, ...publication }),
  result: published,
  handle: (context, params, raw) => publishOne(context, params.channel, publicationOf(params, raw)),
})

export const broadcast = defineMethod({
  summary: 'Publishes the same into many channels. Each has its own answer, in their order.',
  params: z.object({
    channels: z
      .array(z.string())
      .min(1)
      .describe(`At most ${maxChannels.toLocaleString('en')} names of channels.`),
    ...publication,
  }),
  result: z.object({
    responses: z.array(z.object({ result: published.optional(), error: errorShape.optional() })),
  }),
  handle: async (context, params, raw) => {
    if (params.channels.length > maxChannels)
      throw new RefusedError(
        Errors.limitExceeded,
        `A broadcast takes ${maxChannels} channels at most: send several`,
      )
    const given = publicationOf(params, raw)
    const one = async (name: string) => {
      try {
        return { result: await publishOne(context, name, given) }
      } catch (error) {
        return { error: errorOf(explain(error).error) }
      }
    }
    return { responses: await Promise.all(params.channels.map(one)) }
  },
})

function publicationOf(given: z.output<typeof publicationShape>, raw: RawMembers): Publication {
  const { b64data, skip_history, tags, idempotency_key, delta, version, version_epoch } = given
  const data = b64data === undefined || b64data === '' ? raw('data') : Buffer.from(b64data, 'base64')
  demand(data !== undefined && data.byteLength > 0, 'bad request: a publication needs data, or b64data')
  return {
    data,
    isPassing: skip_history === true,
    tags,
    key: idempotency_key === '' ? undefined : idempotency_key,
    delta: delta === true,
    version:
      version === undefined || version === 0 ? undefined : { number: version, epoch: version_epoch ?? '' },
  }
}

async function publishOne(
  context: ApiContext,
  name: string,
  { data, isPassing, tags, key, delta, version }: Publication,
): Promise<PublishResult> {
  const { services, idempotency, versions } = context
  const namespace = demandChannel(services, 'publish', name)
  demand(acceptsData(namespace, data), 'bad request: the data is not what the namespace takes')
  const meta = {
    kind: isJson(data) ? ('json' as const) : ('bin' as const),
    ...(tags === undefined ? {} : { tags }),
    ...(delta ? { delta } : {}),
    ...(isPassing ? { isPassing } : {}),
    ...(version === undefined ? {} : { version }),
  }
  const isKept = namespace.isDurable && !isPassing
  if (version !== undefined && !isKept)
    throw new RefusedError(Errors.notAvailable, 'not available: a version of what is not kept')
  const sender = (messageId: string | undefined, after?: number): Sender => ({
    user: '',
    meta: encodeMeta(messageId === undefined ? meta : { ...meta, messageId }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(isPassing ? { isPassing } : {}),
    ...(after === undefined ? {} : { after }),
  })
  const body = { name, namespace, data }
  const send = (messageId?: string): Promise<PublishResult> => {
    if (version === undefined) return handOver(context, body, sender(messageId))
    const target = { namespace: namespace.name, channel: name }
    return versions.publish(target, version, (after) => handOver(context, body, sender(messageId, after))) // PB4
  }
  if (key === undefined) return send()
  return idempotency.once({ namespace: namespace.name, channel: name, key, isKept }, send) // PB2
}

/** PB1 */
async function handOver(
  { services, broker }: ApiContext,
  { name, namespace, data }: { name: string; namespace: Namespace; data: Bytes },
  sender: Sender,
): Promise<PublishResult> {
  const { epoch } = broker.route(namespace.name, name)
  const seq = await new Promise<number | undefined>((resolve, reject) => {
    let stored: number | undefined
    services.publisher.publish(name, namespace, data, sender, {
      storedAt: (at) => (stored = at),
      published: () => resolve(stored),
      failed: reject,
    })
  })
  if (seq === undefined || broker.route(namespace.name, name).epoch !== epoch) return {}
  return { offset: seq, epoch }
}
