import { host, planPorts, usedPorts, type PlannedPort, type PortUse } from '../port-plan.js'
import { portState } from '../process/free-port.js'

/** One sentence per port that can't be had, and one that says how to move; empty when all are free. */
export async function busyPorts(basePort: number, use: PortUse): Promise<string[]> {
  const sentences = await Promise.all(usedPorts(use).map((port) => sentenceAbout(port, basePort)))
  const busy = sentences.filter((sentence) => sentence !== null)
  if (busy.length === 0) return []
  const ports = Object.values(planPorts(basePort))
  const elsewhere = basePort + 1000 <= 60_000 ? basePort + 1000 : 8000
  return [
    ...busy,
    `Nothing was started. End what listens there, or move all ports (${Math.min(...ports)} to ${Math.max(...ports)}): ` +
      `npm start -- --port ${elsewhere}, or NATTER_PORT=${elsewhere}.`,
  ]
}

async function sentenceAbout({ offset, purpose }: PlannedPort, basePort: number): Promise<string | null> {
  const port = basePort + offset
  const state = await portState(port, host)
  if (state === 'free') return null
  return state === 'taken'
    ? `Port ${port} is taken; it is meant for ${purpose}.`
    : `Port ${port} needs rights that you don't have; it is meant for ${purpose}.`
}
