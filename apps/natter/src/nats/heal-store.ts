import { statfs } from 'node:fs/promises'
import type { Clock, Timer } from '@natter/primitives'
import type { ManagedProcess } from '../process/managed-process.js'

/**
 * Restarts the embedded nats-server after a full disk. Its file store keeps the first write error, and answers no publish any more,
 * however much room there is later; what it has stored stays.
 *
 * H1. It is restarted only while it says that it can't store for want of room, and once the disk has room: before, it would fail again.
 * H2. At most once in `pauseMs`: a disk that fills at once again must not make a loop of restarts.
 * H3. A server that became ready afterwards is a new one: what the one before said doesn't count.
 */
export interface StoreHealer {
  stop(): void
}

export interface StoreHealerOptions {
  server: Pick<ManagedProcess, 'events' | 'isReady' | 'restart'>
  storeFolder: string
  clock: Clock
  say: (line: string) => void
  /** What the disk of a folder has left for us; rejects when that can't be read. */
  freeBytes?: (folder: string) => Promise<number>
}

/** Less than this is full again in no time. */
const roomBytes = 64 * 1_048_576
const lookMs = 3_000
const pauseMs = 60_000

const isOfStore = /JetStream|Filestore/
const isOfRoom =
  /no space left on device|disk quota exceeded|not enough space on the disk|JetStream out of (file |space|resources)/i

/** Whether the server says that its disk has no room: in its own words for a file store that failed. */
export function saysDiskIsFull(line: string): boolean {
  return isOfStore.test(line) && isOfRoom.test(line)
}

type State = { is: 'well' } | { is: 'waiting'; timer: Timer } | { is: 'stopped' }

export function healStore(options: StoreHealerOptions): StoreHealer {
  const { server, storeFolder, clock, say, freeBytes = freeBytesOf } = options
  let state: State = { is: 'well' }
  let restartedAtMs = -Infinity

  const enter = (next: State): void => {
    if (state.is === 'waiting') state.timer.cancel()
    state = next
  }

  const look = async (): Promise<void> => {
    const waiting = state
    const bytes = await freeBytes(storeFolder).catch(() => 0)
    if (state !== waiting || state.is !== 'waiting') return // ready again or stopped meanwhile
    const isRested = clock.now() - restartedAtMs >= pauseMs // H2
    if (bytes < roomBytes || !isRested || !server.isReady) return lookLater() // H1
    restartedAtMs = clock.now()
    enter({ is: 'well' })
    say('NATS could not store because its disk was full. There is room again: it is restarted.')
    server.restart()
  }

  const lookLater = (): void => enter({ is: 'waiting', timer: clock.setTimer(() => void look(), lookMs) })

  const offs = [
    server.events.on('process:line', ({ line }) => {
      if (state.is !== 'well' || !saysDiskIsFull(line)) return
      say(`NATS can't store, its disk is full: make room for ${storeFolder}. Then it is restarted by itself.`)
      lookLater()
    }),
    server.events.on('process:ready', () => enter({ is: 'well' })), // H3
  ]
  return {
    stop: () => {
      for (const off of offs) off()
      enter({ is: 'stopped' })
    },
  }
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
