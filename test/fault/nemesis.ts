/** Does the faults of the plan at their times, and sees to it that in the end everything runs again. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Member } from './members.js'
import type { Fault } from './plan.js'

/** How long a kill waits for a burst through its gateway; without one it comes all the same. */
const burstTimeoutMs = 2_000
const burstPublications = 5

export class Nemesis {
  private readonly inBurst = new Map<string, () => void>()

  constructor(
    private readonly faults: readonly Fault[],
    private readonly members: ReadonlyMap<string, Member>,
    /** When the plan's clock started, by `performance.now()`. */
    private readonly startMs: number,
  ) {}

  /** Resolves when all is done and everything runs. @throws Error when something doesn't start again. */
  async run(): Promise<void> {
    await Promise.all(this.faults.map((fault) => this.do(fault)))
  }

  /** A frame with so many publications is on its way to this gateway. */
  sent(gateway: string, publications: number): void {
    if (publications >= burstPublications) this.inBurst.get(gateway)?.()
  }

  private async do(fault: Fault): Promise<void> {
    const waitMs = this.startMs + fault.atMs - performance.now()
    if (waitMs > 0) await delay(waitMs)
    const member = this.members.get(fault.target)
    if (member === undefined) throw new Error(`nobody is called ${fault.target}`)
    switch (fault.kind) {
      case 'pause':
        return member.pause(fault.forMs)
      case 'restart':
        return member.restart('SIGTERM', 0)
      case 'kill-in-burst':
        await this.burst(fault.target)
        await delay(fault.afterMs)
        return member.restart('SIGKILL', fault.downMs)
      case 'kill':
        return member.restart('SIGKILL', fault.downMs)
    }
  }

  private burst(gateway: string): Promise<void> {
    return new Promise((resolve) => {
      const now = (): void => {
        clearTimeout(timer)
        this.inBurst.delete(gateway)
        resolve()
      }
      const timer = setTimeout(now, burstTimeoutMs)
      this.inBurst.set(gateway, now)
    })
  }
}
