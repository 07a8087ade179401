/**
 * Own messages on their way to one room.
 *
 * O1. One at a time and in the order they were written: a message that must be sent again holds back those after it.
 * O2. A message is sent until it is acknowledged or refused for good, each time with the same id, so that one whose
 *     answer was lost is stored once (the namespace's `message_id`).
 * O3. Only the server's own permanent answer is a refusal. A timeout, a lost connection and a temporary error are not.
 * O4. A refused message stays until its writer takes it back, sends it again or discards it.
 */
import { ANSWERED, keyOf, newMessageId, type MessageData } from './chat-message.js'
import type { OwnMessage } from './timeline.js'

/** What the SDK rejects with. Codes below 100 are its own: no answer came. */
interface PublishError {
  code: number
  message: string
  temporary?: boolean
}

const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 5_000

export class Outbox {
  #own: readonly OwnMessage[] = []
  #isRunning = false
  #isClosed = false
  #failures = 0
  #wake: (() => void) | undefined

  constructor(
    private readonly sender: { user: string; name: string },
    /** Undefined while there is no connection: then it is not tried at all. */
    private readonly publish: (data: MessageData) => Promise<unknown> | undefined,
    private readonly onChange: (own: readonly OwnMessage[]) => void,
    /** The server has said its last word: refused, or answered by the bot. */
    private readonly onSettled: (message: OwnMessage) => void = () => {},
  ) {}

  send(text: string): void {
    const id = newMessageId()
    const key = keyOf(this.sender.user, id)
    const message: OwnMessage = {
      key,
      id,
      text,
      name: this.sender.name,
      at: Date.now(),
      delivery: { kind: 'sending' },
    }
    this.#change([...this.#own, message])
    void this.#run()
  }

  /** After a refusal, by the sender's wish. The id stays (O2). */
  retry(key: string): void {
    this.#mark(key, { kind: 'sending' })
    void this.#run()
  }

  discard(key: string): void {
    this.#change(this.#own.filter((message) => message.key !== key))
  }

  /** Out of here, to be written anew (O4): its text; '' when it is gone. */
  takeBack(key: string): string {
    const text = this.#own.find((message) => message.key === key)?.text ?? ''
    this.discard(key)
    return text
  }

  /** These have come back as publications: acknowledged by being there. */
  arrived(keys: ReadonlySet<string>): void {
    if (this.#own.some(({ key }) => keys.has(key)))
      this.#change(this.#own.filter(({ key }) => !keys.has(key)))
  }

  /** After history had to be read anew: an acknowledged message that isn't in it is older than the page. */
  forgetStored(): void {
    this.#change(this.#own.filter(({ delivery }) => delivery.kind !== 'stored'))
  }

  /** The connection is back: what waits is sent at once. */
  wake(): void {
    this.#failures = 0
    this.#wake?.()
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#next(); next && !this.#isClosed; next = this.#next()) await this.#attempt(next)
    this.#isRunning = false
  }

  #next(): OwnMessage | undefined {
    return this.#own.find(({ delivery }) => delivery.kind === 'sending' || delivery.kind === 'waiting')
  }

  async #attempt({ key, id, text }: OwnMessage): Promise<void> {
    try {
      const sent = this.publish({ id, text })
      if (!sent) return await this.#waitWith(key, false)
      await sent
      this.#failures = 0
      this.#mark(key, { kind: 'stored' })
    } catch (error) {
      const { code, message, temporary } = error as PublishError
      if (code === ANSWERED) return this.#settle(key, { kind: 'answered', answer: message })
      if (code >= 100 && temporary !== true) return this.#settle(key, { kind: 'refused', reason: message })
      await this.#waitWith(key, code >= 100)
    }
  }

  #waitWith(key: string, isHeld: boolean): Promise<void> {
    this.#mark(key, { kind: 'waiting', isHeld })
    return this.#pause()
  }

  #settle(key: string, delivery: OwnMessage['delivery']): void {
    this.#failures = 0
    this.#mark(key, delivery)
    const message = this.#own.find((each) => each.key === key)
    if (message) this.onSettled(message)
  }

  #pause(): Promise<void> {
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #mark(key: string, delivery: OwnMessage['delivery']): void {
    this.#change(this.#own.map((message) => (message.key === key ? { ...message, delivery } : message)))
  }

  #change(own: readonly OwnMessage[]): void {
    this.#own = own
    if (!this.#isClosed) this.onChange(own)
  }
}
