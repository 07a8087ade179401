/**
 * Which rooms there are, the same on every instance of this app.
 *
 * D1. A room that somebody enters is written down in a kept channel of the mesh, which all instances read. So what one instance was
 *     asked, the others know, also one that starts later.
 * D2. Whoever enters a room does not wait for that, and is not turned away when it fails: the next one to enter has it written down.
 * D3. A list is complete or there is none: what cannot be read is never shown as "no rooms" or "nobody there".
 *
 * A room is listed as long as its last line is in that channel's stream (`nats.hot_for`, a day) and among its newest 300.
 */
import { Natter } from '@natter/nest'
import { Inject, Injectable } from '@nestjs/common'
import { isRoomName, STARTERS } from './room-name.js'

export interface ListedRoom {
  name: string
  /** Who is in it now, over all gateways; two pages of one user are one. */
  people: number
}

/** In a namespace of natter.yaml that gives clients no right. */
export const DIRECTORY = 'directory:rooms'

/** Well within the time that a stream keeps a line. */
const NOTE_AGAIN_MS = 6 * 3_600_000
const MAX_NOTED = 10_000
/** The lines that are read, which is also what gateways give at most. */
const MAX_LINES = 300
const MAX_LISTED = 30
/** Many pages ask: within this time they share an answer. */
const FRESH_MS = 2_000

@Injectable()
export class RoomDirectory {
  /** When this instance last wrote a room down; the earliest first. */
  readonly #noted = new Map<string, number>()
  #last: { atMs: number; rooms: Promise<ListedRoom[]> } | undefined

  constructor(@Inject(Natter) private readonly natter: Natter) {}

  entered(room: string): void {
    const nowMs = Date.now()
    if (nowMs - (this.#noted.get(room) ?? 0) < NOTE_AGAIN_MS) return
    this.#remember(room, nowMs)
    this.natter.publish(DIRECTORY, { room }, { idempotencyKey: room }).catch(() => this.#noted.delete(room)) // D2
  }

  /** The starters, then those with the most people, then the latest. @throws NatterError D3 */
  list(): Promise<ListedRoom[]> {
    const nowMs = Date.now()
    if (this.#last !== undefined && nowMs - this.#last.atMs < FRESH_MS) return this.#last.rooms
    const rooms = this.#read()
    this.#last = { atMs: nowMs, rooms }
    rooms.catch(() => {
      if (this.#last?.rooms === rooms) this.#last = undefined
    })
    return rooms
  }

  async #read(): Promise<ListedRoom[]> {
    const query = { limit: MAX_LINES, isReverse: true }
    const { publications } = await this.natter.history<{ room?: unknown }>(DIRECTORY, query)
    const entered = publications.map(({ data }) => data?.room).filter(isListable)
    const names = [...new Set([...STARTERS, ...entered])].slice(0, MAX_LISTED)
    const rooms = await Promise.all(names.map(async (name) => ({ name, people: await this.#peopleIn(name) })))
    const others = rooms.slice(STARTERS.length).toSorted((a, b) => b.people - a.people) // stable: then the latest
    return [...rooms.slice(0, STARTERS.length), ...others]
  }

  async #peopleIn(room: string): Promise<number> {
    const members = await this.natter.presence(`room:${room}`)
    return new Set(members.map(({ user }) => user)).size
  }

  #remember(room: string, nowMs: number): void {
    this.#noted.delete(room)
    this.#noted.set(room, nowMs)
    const [earliest] = this.#noted.keys()
    if (this.#noted.size > MAX_NOTED && earliest !== undefined) this.#noted.delete(earliest)
  }
}

const isListable = (room: unknown): room is string => typeof room === 'string' && isRoomName(room)
