/**
 * The one connection of the page: SDK client, the state that people are shown, the rooms on it.
 *
 * C1. The SDK reconnects, resumes subscriptions and renews tokens by itself; nothing here does it a second time.
 * C2. `link` is derived from the SDK's events alone, so what the page says and what the socket does cannot differ.
 */
import { Centrifuge } from 'centrifuge'
import { ListedRooms } from '../rooms/listed-rooms.js'
import { Room } from '../rooms/room.js'
import { signIn, type Session } from '../session/session.js'
import { Store } from '../store.js'
import { GatewayRotation, type Gateway } from './gateway-rotation.js'

export type Link =
  | { kind: 'connecting'; gateway: Gateway | undefined; attempts: number; wasConnected: boolean }
  | { kind: 'connected'; gateway: Gateway }
  /** The browser says that there is no network at all. */
  | { kind: 'offline' }
  /** The SDK will not come back by itself. */
  | { kind: 'ended'; code: number; reason: string }

/** A lost connection is tried again after 0.1–0.2 s, then slower. A restarted gateway is back within seconds. */
const RETRY = { minReconnectDelay: 100, maxReconnectDelay: 4_000 }

export class Connection {
  readonly link = new Store<Link>({
    kind: 'connecting',
    gateway: undefined,
    attempts: 0,
    wasConnected: false,
  })
  readonly client: Centrifuge
  readonly rotation: GatewayRotation
  readonly listed: ListedRooms
  readonly #rooms = new Map<string, Room>()
  #gateway: Gateway | undefined
  #attempts = 0
  #wasConnected = false
  readonly #onNetwork = (): void => this.#show()

  constructor(
    readonly session: Session,
    gateways: readonly string[],
    preferredGateway: number,
  ) {
    this.rotation = new GatewayRotation(gateways, preferredGateway, (gateway) => {
      this.#gateway = gateway
      this.#attempts += 1
      this.#show()
    })
    this.client = new Centrifuge(gateways[0] ?? '', {
      token: session.token,
      getToken: () => this.#renewToken(),
      websocket: this.rotation.webSocketClass(),
      name: 'messenger',
      ...RETRY,
    })
    this.listed = new ListedRooms(this.client)
    this.client.on('connecting', () => this.#show())
    this.client.on('connected', () => {
      this.#attempts = 0
      this.#wasConnected = true
      this.#show()
    })
    this.client.on('disconnected', ({ code, reason }) => this.link.set({ kind: 'ended', code, reason }))
    addEventListener('online', this.#onNetwork)
    addEventListener('offline', this.#onNetwork)
    this.client.connect()
  }

  /** The same room object as long as it stays open. */
  room(name: string): Room {
    const open = this.#rooms.get(name)
    if (open) return open
    const room = new Room(this.client, name, this.session)
    this.#rooms.set(name, room)
    return room
  }

  leave(name: string): void {
    this.#rooms.get(name)?.close()
    this.#rooms.delete(name)
  }

  reconnect(): void {
    this.#attempts = 0
    this.client.connect()
  }

  close(): void {
    removeEventListener('online', this.#onNetwork)
    removeEventListener('offline', this.#onNetwork)
    this.listed.close()
    for (const name of this.#rooms.keys()) this.leave(name)
    this.client.disconnect()
  }

  #show(): void {
    const state: string = this.client.state
    if (state === 'disconnected') return
    if (state === 'connected' && this.#gateway) {
      this.link.set({ kind: 'connected', gateway: this.#gateway })
    } else if (!navigator.onLine) {
      this.link.set({ kind: 'offline' })
    } else {
      const { attempts, wasConnected } = { attempts: this.#attempts, wasConnected: this.#wasConnected }
      this.link.set({ kind: 'connecting', gateway: this.#gateway, attempts, wasConnected })
    }
  }

  async #renewToken(): Promise<string> {
    const result = await signIn(this.session.name)
    if (result.kind === 'signed-in') return result.session.token
    if (result.kind === 'refused') throw new Centrifuge.UnauthorizedError(result.message)
    throw new Error('The messenger’s server does not answer.')
  }
}
