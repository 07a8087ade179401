import type { Codec, Publication } from '@natter/protocol'
import type { SocketServer } from '@natter/transport'
import { publicationTopic } from './topics.js'

/**
 * Where a channel's publications leave the node: one frame per message and encoding, handed to the native topic once.
 *
 * Hot path: no closure, Promise, JSON.parse or work per subscriber.
 */
export class ChannelSink {
  /** Publications handed to topics since the start. A plain number: metrics read it, nothing listens. */
  delivered = 0

  constructor(
    private readonly server: Pick<SocketServer<unknown>, 'publish'>,
    private readonly codec: Codec,
  ) {}

  deliver(channel: string, pub: Publication): void {
    this.delivered += 1
    this.server.publish(publicationTopic(channel), this.codec.push({ channel, pub }))
  }
}
