import { acceptsData, type Namespace } from '@natter/auth'
import { encodeMeta, publicationMessageId, type Broker } from '@natter/broker'
import type { ApiRequest, ApiResults, PublishedAt } from '@natter/hooks'
import { Errors, isJson } from '@natter/protocol'
import type { PublicationEnd, Publisher, Sender } from '../publishing/publisher.js'
import { demand, demandChannel, isText, isTextRecord, type ChannelRules } from './checks.js'
import { explain, RefusedError } from './refusal.js'

type Publication = Pick<Extract<ApiRequest, { kind: 'publish' }>, 'data' | 'tags' | 'key' | 'delta'>

const maxChannels = 1_000

export interface ApiPublisherParts {
  broker: Pick<Broker, 'route'>
  publisher: Pick<Publisher, 'publish'>
  rules: ChannelRules
}

/**
 * What apps publish.
 *
 * B1. A publication with a `key` is stored once, however often and to whichever gateway it is sent, within the stream's window.
 *     No publication of a client shares such a key.
 * B2. A durable publication is answered after the stream stored it, with its place (G1).
 */
export class ApiPublisher {
  constructor(private readonly parts: ApiPublisherParts) {}

  async publish(channel: string, publication: Publication): Promise<PublishedAt> {
    const { broker, rules } = this.parts
    const namespace = demandChannel(rules, 'publish', channel)
    const sender = senderOf(channel, publication)
    demand(isData(namespace, publication.data), 'The data is not what the namespace takes')
    const { epoch } = broker.route(namespace.name, channel)
    const offset = await this.send(channel, namespace, publication, sender)
    if (offset === undefined || broker.route(namespace.name, channel).epoch !== epoch) return {}
    return { position: { offset, epoch } }
  }

  /** All at once; in each channel the order of the calls is kept. */
  async broadcast(channels: readonly string[], publication: Publication): Promise<ApiResults['broadcast']> {
    demand(Array.isArray(channels), 'A broadcast needs channels')
    if (channels.length > maxChannels)
      throw new RefusedError(
        Errors.limitExceeded,
        `A broadcast takes ${maxChannels} channels at most: send several`,
      )
    const outcomes = channels.map((channel) =>
      this.publish(channel, publication).catch((error: unknown) => ({ error: explain(error).error })),
    )
    return { outcomes: await Promise.all(outcomes) }
  }

  /** B2. Its offset, where it is kept. */
  private send(
    channel: string,
    namespace: Namespace,
    { data }: Publication,
    sender: Sender,
  ): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      let offset: number | undefined
      const end: PublicationEnd = {
        storedAt: (seq) => (offset = seq),
        published: () => resolve(offset),
        failed: reject,
      }
      this.parts.publisher.publish(channel, namespace, data, sender, end)
    })
  }
}

/** B1. Ids that clients choose begin with `"` or `#`: see `readPointer`. */
function senderOf(channel: string, { tags, key, delta }: Publication): Sender {
  demand(tags === undefined || isTextRecord(tags), 'Tags are texts by name')
  demand(key === undefined || isText(key), 'A key is a text')
  demand(delta === undefined || typeof delta === 'boolean', 'Delta is true or false')
  const meta = encodeMeta({
    kind: 'json',
    ...(tags === undefined ? {} : { tags }),
    ...(delta === true ? { delta } : {}),
  })
  if (key === undefined) return { user: '', meta }
  return { user: '', meta, messageId: publicationMessageId({ user: '', channel, value: `api ${key}` }) }
}

/** Frames are JSON so far, and a publication is a part of one. */
const isData = (namespace: Namespace, data: unknown): boolean =>
  data instanceof Uint8Array && isJson(data) && acceptsData(namespace, data)
