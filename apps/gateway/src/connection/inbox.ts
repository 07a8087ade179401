import type { Command } from '@natter/protocol'

/** Shared: most connections have nothing waiting most of the time. */
const none: readonly Command[] = []
const maxGone = 256
/** In the place of a message whose turn has come. */
const gone = new Uint8Array(0)

/**
 * What a client has sent and nobody has handled yet: messages as they came, and the commands of the one that is in work.
 *
 * B1. Commands come out in the order in which they went in, each once.
 * B2. A message is decoded when all before it was handled, never earlier.
 * B3. A message is let go when its turn comes, also where something always waits behind it; the places of those that are gone are
 *     given back when they are more than `maxGone`, and more than those that wait.
 * B4. What came out is not held: a connection that says nothing after its `connect` would keep its token.
 */
export class Inbox {
  /** Of the messages, not of the commands in work. */
  waitingBytes = 0
  private messages: Uint8Array[] | undefined
  private firstMessage = 0
  private commands: readonly Command[] = none
  private firstCommand = 0

  get isEmpty(): boolean {
    return this.waitingMessages === 0 && this.firstCommand === this.commands.length
  }

  get waitingMessages(): number {
    return (this.messages?.length ?? 0) - this.firstMessage
  }

  /** Keeps a message: it has to be the caller's own copy. */
  push(message: Uint8Array): void {
    this.messages ??= []
    this.messages.push(message)
    this.waitingBytes += message.byteLength
  }

  /** Of an empty inbox: the commands of a message that did not have to wait. */
  load(commands: readonly Command[]): void {
    this.commands = commands
    this.firstCommand = 0
  }

  /** The next command; undefined when none is left, or when `decode` emptied the inbox by ending the connection. */
  next(decode: (message: Uint8Array) => readonly Command[]): Command | undefined {
    if (this.firstCommand === this.commands.length) {
      const message = this.shift()
      this.load(message === undefined ? none : decode(message)) // B2
    }
    const command = this.commands[this.firstCommand]
    if (command === undefined) return undefined
    this.firstCommand += 1
    if (this.firstCommand === this.commands.length) this.load(none) // B4
    return command
  }

  clear(): void {
    this.waitingBytes = 0
    this.forget(undefined)
    this.load(none)
  }

  private shift(): Uint8Array | undefined {
    const { messages } = this
    const message = messages?.[this.firstMessage]
    if (messages === undefined || message === undefined) return undefined
    messages[this.firstMessage] = gone // B3
    this.firstMessage += 1
    this.waitingBytes -= message.byteLength
    if (this.waitingMessages === 0) this.forget(undefined)
    else if (this.firstMessage >= Math.max(maxGone, messages.length / 2)) {
      this.forget(messages.slice(this.firstMessage))
    }
    return message
  }

  private forget(left: Uint8Array[] | undefined): void {
    this.messages = left
    this.firstMessage = 0
  }
}
