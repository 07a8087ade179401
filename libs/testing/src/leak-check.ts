import { runningChildren } from './running.js'
import { eventually } from './wait.js'

/** Kinds of handles that a test can forget. Files and requests in flight come and go by themselves. */
const watchedKinds = new Set([
  'Timeout',
  'Immediate',
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'UDPWrap',
])

const count = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (watchedKinds.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/**
 * Takes a baseline now; the result, called in `afterEach` or `afterAll`, fails and names what is left: handles beyond the
 * baseline and child processes of this kit. What is just closing gets `graceMs`. Native sockets of uWebSockets.js are not
 * Node handles and do not show.
 */
export function leakCheck(graceMs = 1_000): () => Promise<void> {
  const before = count()
  return async () => {
    let left: string[] = []
    await eventually(
      () => {
        left = leftOver(before)
        return left.length === 0
      },
      { timeoutMs: graceMs },
    ).catch(() => {
      throw new Error(`left behind: ${left.join(', ')}`)
    })
  }
}

function leftOver(before: ReadonlyMap<string, number>): string[] {
  const left = [...runningChildren].map(([child, what]) => `process ${child.pid} (${what})`)
  for (const [kind, now] of count()) {
    const more = now - (before.get(kind) ?? 0)
    if (more > 0) left.push(`${more} × ${kind}`)
  }
  return left
}
