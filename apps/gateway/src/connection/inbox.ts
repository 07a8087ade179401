import type { Command } from '@natter/protocol'

/** Shared: most connections have nothing waiting most of the time. */
const none: readonly Command[] = []

/**
 * What a client has sent and nobody has handled yet: messages as they came, and the commands of the one that is in work.
 *
 * B1. Commands come out in the order in which they went in, each once.
 * B2. A message is decoded when all before it was handled, never earlier.
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
    if (command !== undefined) this.firstCommand += 1
    return command
  }

  clear(): void {
    this.waitingBytes = 0
    this.messages = undefined
    this.firstMessage = 0
    this.load(none)
  }

  private shift(): Uint8Array | undefined {
    const message = this.messages?.[this.firstMessage]
    if (message === undefined) return undefined
    this.firstMessage += 1
    this.waitingBytes -= message.byteLength
    if (this.waitingMessages === 0) {
      this.messages = undefined
      this.firstMessage = 0
    }
    return message
  }
}
