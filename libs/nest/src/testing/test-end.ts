import type { Publication } from '@natter/protocol'
import type { ClientEnd } from '../driver/memory/index.js'
import { publicationOf } from '../natter.js'
import { Inbox } from './inbox.js'

/** How a connection, or a subscription, was ended. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

/** What the mesh tells a client, kept for the test. */
export class TestEnd implements ClientEnd {
  readonly inbox = new Inbox()
  readonly whenClosed: Promise<Closed>
  ending: Closed | undefined
  private readonly endings = new Map<string, Ending>()
  private close: (ending: Closed) => void = () => undefined

  constructor() {
    this.whenClosed = new Promise((resolve) => (this.close = resolve))
  }

  /** How the server ended the last subscription to it; waits for that. */
  whenUnsubscribed(channel: string): Promise<Closed> {
    return this.endingOf(channel).promise
  }

  publication(channel: string, publication: Publication): void {
    this.inbox.put(channel, publicationOf(publication, 'json'))
  }

  subscribed(channel: string): void {
    this.endings.delete(channel)
  }

  unsubscribed(channel: string, code: number, reason: string): void {
    this.endingOf(channel).resolve({ code, reason })
  }

  closed(code: number, reason: string): void {
    this.ending = { code, reason }
    this.close(this.ending)
  }

  private endingOf(channel: string): Ending {
    const ending = this.endings.get(channel) ?? newEnding()
    this.endings.set(channel, ending)
    return ending
  }
}

interface Ending {
  readonly promise: Promise<Closed>
  resolve(ending: Closed): void
}

function newEnding(): Ending {
  let resolve: (ending: Closed) => void = () => undefined
  const promise = new Promise<Closed>((settle) => (resolve = settle))
  return { promise, resolve }
}
