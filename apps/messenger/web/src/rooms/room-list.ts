/**
 * Which rooms I am in and which one I look at. The address (`#general`) and this list follow each other; the list is
 * remembered by the browser.
 */
import { Store } from '../store.js'

/** Where a first visit begins. */
export const FIRST_ROOM = 'general'

const KEY = 'natter.rooms'
const MAX_NAME = 40

export interface RoomChoice {
  readonly joined: readonly string[]
  /** Undefined only when no room is joined. */
  readonly current: string | undefined
}

/** A room's name out of what somebody typed: `My Room` is `my-room`. Undefined when nothing usable is left. */
export function roomNameFrom(typed: string): string | undefined {
  const name = typed
    .normalize('NFKD')
    .toLowerCase()
    .replace(/^#/, '')
    .replace(/[\s.]+/g, '-')
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_NAME)
  return name === '' ? undefined : name
}

export class RoomList {
  readonly choice: Store<RoomChoice>
  readonly #onHash = (): void => {
    const name = roomInAddress()
    if (name && name !== this.choice.get().current) this.open(name)
  }

  constructor() {
    const joined = remembered()
    const linked = roomInAddress()
    const all = linked && !joined.includes(linked) ? [...joined, linked] : joined
    this.choice = new Store<RoomChoice>({ joined: all, current: linked ?? all[0] })
    this.#follow()
    addEventListener('hashchange', this.#onHash)
  }

  /** Joins it if need be. */
  open(name: string): void {
    this.choice.update(({ joined }) => ({
      joined: joined.includes(name) ? joined : [...joined, name],
      current: name,
    }))
    this.#follow()
  }

  leave(name: string): void {
    this.choice.update(({ joined, current }) => {
      const left = joined.filter((other) => other !== name)
      return { joined: left, current: current === name ? left[0] : current }
    })
    this.#follow()
  }

  close(): void {
    removeEventListener('hashchange', this.#onHash)
  }

  #follow(): void {
    const { joined, current } = this.choice.get()
    try {
      localStorage.setItem(KEY, JSON.stringify(joined))
    } catch {
      // Storage may be switched off: then the list lasts as long as the page.
    }
    const hash = current ? `#${current}` : ''
    if (location.hash !== hash) history.replaceState(null, '', hash || location.pathname + location.search)
  }
}

function roomInAddress(): string | undefined {
  try {
    return roomNameFrom(decodeURIComponent(location.hash))
  } catch {
    return undefined
  }
}

function remembered(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null')
    if (Array.isArray(stored))
      return stored.filter((name) => typeof name === 'string' && roomNameFrom(name) === name)
  } catch {
    // Unreadable or switched off: as on a first visit.
  }
  return [FIRST_ROOM]
}
