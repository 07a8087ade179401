/** Finds a way in: any gateway will do, and the next one when that one is gone. */
import { setTimeout as delay } from 'node:timers/promises'
import { Connection, type WireHandlers } from './connection.js'
import type { Chance } from './seeded.js'

export interface Door {
  readonly name: string
  readonly port: number
  /** Default 127.0.0.1. */
  readonly host?: string
}

/** Undefined once `isOver`. */
export async function enter(
  doors: readonly Door[],
  luck: Chance,
  handlers: WireHandlers,
  isOver: () => boolean,
): Promise<{ connection: Connection; gateway: string } | undefined> {
  while (!isOver()) {
    const { name: gateway, port, host } = luck.pick(doors)
    const connection = await Connection.open(port, handlers, host)
    if (connection !== undefined) return { connection, gateway }
    await delay(luck.whole(20, 150))
  }
  return undefined
}
