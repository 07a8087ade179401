import type { ManagedProcess } from '../process/managed-process.js'

/**
 * Restarts processes one after the other, each when the one before is ready again: clients of a gateway that goes always find
 * another one that stands.
 *
 * W1. One round at a time; what is asked for during a round is done in the next.
 * W2. A process that doesn't come up ends the round: the rest keeps the code that works until the next save.
 */
export class RollingRestart {
  private readonly wanted = new Set<ManagedProcess>()
  private isRunning = false

  request(processes: readonly ManagedProcess[]): void {
    for (const process of processes) this.wanted.add(process)
    if (!this.isRunning) void this.run()
  }

  private async run(): Promise<void> {
    this.isRunning = true // W1
    for (const process of this.wanted) {
      this.wanted.delete(process)
      if (!(await restarted(process))) this.wanted.clear() // W2
    }
    this.isRunning = false
  }
}

function restarted(process: ManagedProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const offs = [
      process.events.on('process:ready', () => end(true)),
      process.events.on('process:exit', ({ wasWanted }) => {
        if (!wasWanted) end(false)
      }),
    ]
    const end = (isUp: boolean) => {
      for (const off of offs) off()
      resolve(isUp)
    }
    process.restart()
  })
}
