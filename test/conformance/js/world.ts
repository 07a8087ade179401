/** What a law stands on: clients of one transport and encoding, the way to the gateways, and a hand on the server's side. */
import type { Combination } from './combinations.js'
import type { Client, ClientOptions } from './client.js'

export type Json = unknown

/** What backends do, and what happens to the network of one law. All arguments are JSON: in a page they travel to Node. */
export interface Server {
  /** A connection token (HS256) with these claims. */
  token(claims: Record<string, Json>): Promise<string>
  publish(channel: string, data: Json, tags?: Record<string, string>): Promise<void>
  disconnect(user: string, code: number, reason: string): Promise<void>
  subscribe(user: string, channel: string): Promise<void>
  unsubscribe(user: string, channel: string, code: number, reason: string): Promise<void>
  /** Resets every connection of this law; new ones are taken. */
  cut(): Promise<void>
  /** Nothing moves in either direction, and nobody is told. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** New connections are reset at once. */
  refuse(isRefusing: boolean): Promise<void>
  /** How many gateways the connections of this law have reached. */
  reached(): Promise<number>
}

export interface World extends Combination {
  readonly server: Server
  /** Gateways behind the address of this law. */
  readonly gateways: number
  /** Not connected yet; ends with the law. `as`: another transport and encoding than the law's own. */
  client(options?: ClientOptions, as?: Combination): Client
  /** A channel that nobody else uses. */
  channel(namespace: string, name?: string): string
  /** A user that nobody else is. */
  user(): string
}

export interface Law {
  /** The rule with its reason, and the number that it has in docs/protocol.md. */
  readonly title: string
  run(world: World): Promise<void>
  /** Waits for clocks of the protocol: those laws run side by side. */
  readonly isSlow?: true
  /** Also in Chromium: where what the browser does could make a difference, beside what Node shows. */
  readonly inBrowser?: true
  /** In a page whose origin is not among the allowed ones: only a browser can tell. */
  readonly isForeign?: true
  /** Absent = every transport. */
  readonly transports?: readonly Combination['transport'][]
}
