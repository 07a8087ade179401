/**
 * Sees to it that this process always has descriptors left. Connections are counted (connection-room.ts); this is about sockets that
 * are none yet, which nobody counts: a client that only opens TCP costs a descriptor too.
 *
 * DG1. Below `tight` free ones nobody new is let in: 503, and the socket is gone at once.
 * DG2. Below `out` the port is let go: who comes is refused by the kernel. Accepting would fail without an end, and the library tries again
 *      in each turn of the loop, on a whole processor. The port is taken again with `back` free ones.
 * DG3. A look costs microseconds; more often the nearer the end is.
 */
import type { Clock, Timer } from '@natter/primitives'
import { ownDescriptors } from './connection-room.js'

/** The process may have taken half of its own. */
const tight = ownDescriptors / 2
const out = ownDescriptors / 4
const back = (tight + out) / 2

const calmMs = 250
const tenseMs = 20
/** From here on a look is taken more often. */
const calmFree = 2_048

export interface DescriptorGuardParts {
  readonly clock: Clock
  /** How many are free, at most so many told. */
  free(atMost: number): number
  /** Of the listening port. */
  letGo(): void
  /** False: it can't be had now. */
  takeAgain(): boolean
  /** The port was let go, or is taken again. */
  onChange(isListening: boolean, free: number): void
}

export class DescriptorGuard {
  private state: 'enough' | 'tight' | 'out' = 'enough'
  private timer: Timer | undefined

  constructor(private readonly parts: DescriptorGuardParts) {}

  /** Nobody new may come in. */
  get isTight(): boolean {
    return this.state !== 'enough'
  }

  start(): void {
    const free = this.look()
    this.timer = this.parts.clock.setTimer(() => this.start(), free < calmFree ? tenseMs : calmMs)
  }

  stop(): void {
    this.timer?.cancel()
  }

  private look(): number {
    const free = this.parts.free(calmFree)
    const isOut = free < out || (this.state === 'out' && free < back)
    if (isOut && this.state !== 'out') this.parts.letGo() // DG2
    if (!isOut && this.state === 'out' && !this.parts.takeAgain()) return free
    if (isOut !== (this.state === 'out')) this.parts.onChange(!isOut, free)
    this.state = isOut ? 'out' : free < tight ? 'tight' : 'enough'
    return free
  }
}
