/**
 * Who is in a room, over all gateways: asked, never counted from pushes, so a lost join or leave heals by itself.
 */
import type { ClientInfo, Subscription } from 'centrifuge'
import { Store } from '../store.js'
import { nameFrom } from './chat-message.js'

export interface Person {
  user: string
  name: string
  /** Open pages of this person. */
  pages: number
}

export type People = { kind: 'unknown' } | { kind: 'known'; people: readonly Person[] }

const REFRESH_MS = 5_000
/** Joins and leaves come in bursts when a gateway goes: one question for all of them. */
const BURST_MS = 250

export class PeopleWatch {
  readonly people = new Store<People>({ kind: 'unknown' })
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(private readonly subscription: Subscription) {
    const soon = (): void => this.#schedule(BURST_MS)
    subscription.on('subscribed', () => this.#schedule(0))
    subscription.on('join', soon)
    subscription.on('leave', soon)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#refresh(), delayMs)
  }

  async #refresh(): Promise<void> {
    // A subscription that isn't there asks again when it is: `subscribed` schedules.
    if (this.subscription.state !== 'subscribed') return
    try {
      const { clients } = await this.subscription.presence()
      const people = peopleOf(Object.values(clients))
      if (!isSame(people, this.people.get())) this.people.set({ kind: 'known', people })
    } catch {
      // The last answer stays until the next one: a question that failed says nothing about who is here.
    }
    this.#schedule(REFRESH_MS)
  }
}

export function peopleOf(clients: readonly ClientInfo[]): Person[] {
  const byUser = new Map<string, Person>()
  for (const { user, connInfo } of clients) {
    const person = byUser.get(user)
    if (person) person.pages += 1
    else byUser.set(user, { user, name: nameFrom(connInfo) ?? (user || 'Somebody'), pages: 1 })
  }
  return [...byUser.values()].toSorted((a, b) => a.name.localeCompare(b.name) || a.user.localeCompare(b.user))
}

function isSame(people: readonly Person[], before: People): boolean {
  return before.kind === 'known' && JSON.stringify(before.people) === JSON.stringify(people)
}
