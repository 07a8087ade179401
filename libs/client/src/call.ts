/**
 * An rpc whose handler says how far it is.
 *
 * C1. Progress and reply are two ways: progress comes as publications in the user's personal channel with the tag `call`, the reply as
 *     the reply. Both are told by one object, and its listener is gone when the call has ended, however it ended.
 * C2. What nobody reads is bounded: beyond `maxUnread` the oldest goes, since the newest says more.
 */
import type { Centrifuge, ServerPublicationContext } from 'centrifuge'
import { randomId } from './ids.js'

const maxUnread = 1_000

/**
 * `await` it for the reply; `for await` it for the progress, which ends with the reply. Each piece of progress is told to one reader.
 * A call that fails rejects the first and throws in the second.
 */
export interface Call<Reply, Progress> extends PromiseLike<Reply>, AsyncIterable<Progress> {
  /** Names the call at the server; for logs. */
  readonly id: string
}

/** What a call needs of the SDK's client. */
export type Caller = Pick<Centrifuge, 'rpc' | 'on' | 'off'>

/**
 * Calls an rpc of an app.
 *
 * Progress needs a signed-in user (an anonymous one has no personal channel) and the gateways' setting
 * `client.subscribe_to_user_personal_channel`; without them there is just the reply.
 *
 * @param data A JSON value; absent = none.
 * @throws (rejects) the SDK's `{ code, message, temporary? }`: codes are in docs/protocol.md, 400–1999 are the app's own.
 */
export function call<Reply = unknown, Progress = unknown>(
  client: Caller,
  method: string,
  data?: unknown,
): Call<Reply, Progress> {
  return new RunningCall<Reply, Progress>(client, method, data)
}

class RunningCall<Reply, Progress> implements Call<Reply, Progress> {
  readonly id = randomId()
  private readonly reply: Promise<Reply>
  private unread: Progress[] = []
  private state: 'running' | 'replied' | 'failed' = 'running'
  private waiting: (() => void)[] = []

  constructor(client: Caller, method: string, data: unknown) {
    const hear = (publication: ServerPublicationContext): void => this.hear(publication)
    client.on('publication', hear)
    this.reply = client
      .rpc(`${method}#${this.id}`, data)
      .then(
        (result) => {
          this.state = 'replied'
          return result.data as Reply
        },
        (error: unknown) => {
          this.state = 'failed'
          throw error
        },
      )
      .finally(() => {
        client.off('publication', hear) // C1
        this.wake()
      })
    this.reply.catch(() => {}) // whoever reads is told; who doesn't read has chosen so
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a call is what it is for
  then<A = Reply, B = never>(
    onReply?: ((value: Reply) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.reply.then(onReply, onError)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Progress, void> {
    for (;;) {
      while (this.unread.length > 0) yield this.unread.shift() as Progress
      if (this.state !== 'running') break
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    if (this.state === 'failed') await this.reply
  }

  private hear({ data, tags }: ServerPublicationContext): void {
    if (tags?.['call'] !== this.id) return
    this.unread.push(data as Progress)
    if (this.unread.length > maxUnread) this.unread.shift() // C2
    this.wake()
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
