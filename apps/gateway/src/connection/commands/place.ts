import type { Namespace } from '@natter/auth'
import type { Bytes } from '@natter/protocol'
import type { Publisher, Sender } from '../../publishing/publisher.js'

/** Empty where it isn't kept, or where nobody can say of which epoch it is. */
export interface Place {
  readonly offset?: number
  readonly epoch?: string
}

interface Placing {
  readonly channel: string
  readonly namespace: Namespace
  readonly data: Bytes
  readonly sender: Sender
}

/** Publishes in this turn; resolves when it is stored, or sent. */
export function placed(publisher: Publisher, { channel, namespace, data, sender }: Placing): Promise<Place> {
  const epoch = publisher.epochOf(namespace, channel)
  return new Promise((resolve, failed) => {
    let place: Place = {}
    publisher.publish(channel, namespace, data, sender, {
      storedAt: (offset) => {
        if (publisher.epochOf(namespace, channel) === epoch) place = { offset, epoch }
      },
      published: () => resolve(place),
      failed,
    })
  })
}
