/**
 * Which rooms there are, as the messenger's server says it (rpc `rooms.list`).
 *
 * L1. An answer that did not come says nothing about the rooms: the last one stays, marked as such.
 * L2. A room keeps its place while the page is open, so that nothing moves under a hand; new ones come last.
 */
import type { Centrifuge } from 'centrifuge'
import { Store } from '../store.js'

export interface ListedRoom {
  name: string
  /** Who is in it, over all gateways. */
  people: number
}

export type Listing =
  | { kind: 'asking' }
  /** Asked for again by itself. */
  | { kind: 'unknown' }
  /** `isOld`: since then it could not be had again. */
  | { kind: 'known'; rooms: readonly ListedRoom[]; isOld: boolean }

const REFRESH_MS = 10_000
const RETRY_MS = 2_000

export class ListedRooms {
  readonly listing = new Store<Listing>({ kind: 'asking' })
  #timer: ReturnType<typeof setTimeout> | undefined
  #isAsking = false
  #isClosed = false
  readonly #onVisible = (): void => {
    if (!document.hidden) this.#schedule(0)
  }

  constructor(private readonly client: Centrifuge) {
    client.on('connected', () => this.#schedule(0))
    document.addEventListener('visibilitychange', this.#onVisible)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#onVisible)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#refresh(), delayMs)
  }

  async #refresh(): Promise<void> {
    const state: string = this.client.state
    if (this.#isAsking || document.hidden || state !== 'connected') return // asked when it is there again
    this.#isAsking = true
    try {
      const reply: { data: unknown } = await this.client.rpc('rooms.list', null)
      this.#show(readRooms(reply.data))
      this.#schedule(REFRESH_MS)
    } catch {
      const listing = this.listing.get()
      this.listing.set(listing.kind === 'known' ? { ...listing, isOld: true } : { kind: 'unknown' }) // L1
      this.#schedule(RETRY_MS)
    } finally {
      this.#isAsking = false
    }
  }

  #show(fresh: readonly ListedRoom[]): void {
    const before = this.listing.get()
    const rooms = before.kind === 'known' ? inPlace(before.rooms, fresh) : fresh
    const isSame =
      before.kind === 'known' && !before.isOld && JSON.stringify(before.rooms) === JSON.stringify(rooms)
    if (!isSame) this.listing.set({ kind: 'known', rooms, isOld: false })
  }
}

/** L2 */
export function inPlace(before: readonly ListedRoom[], fresh: readonly ListedRoom[]): ListedRoom[] {
  const places = new Map(before.map(({ name }, place) => [name, place]))
  const placeOf = ({ name }: ListedRoom): number => places.get(name) ?? before.length
  return fresh.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** @throws Error when it is none. */
function readRooms(data: unknown): ListedRoom[] {
  if (!Array.isArray(data)) throw new Error('this is no list of rooms')
  return data.map((room: unknown) => {
    const { name, people } = (room ?? {}) as Partial<Record<keyof ListedRoom, unknown>>
    if (typeof name !== 'string' || typeof people !== 'number') throw new Error('this is no room')
    return { name, people }
  })
}
