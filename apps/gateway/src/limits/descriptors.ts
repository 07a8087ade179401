/** How many descriptors this process may have, and how many it has. Each client's socket is one, as is all else that is open. */
import { closeSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs'

/** Undefined: this system doesn't tell. Infinity: there is no limit. */
export function descriptorLimit(): number | undefined {
  try {
    return parseLimits(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return reportedLimit()
  }
}

/** The soft limit, which is the one that counts. Node raises it to the hard one when it starts. */
export function parseLimits(text: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Infinity : Number(soft)
}

interface Report {
  userLimits?: { open_files?: { soft?: number | string } }
}

/** Where there is no /proc: dear, and only asked at the start. */
function reportedLimit(): number | undefined {
  const { open_files: files } = (process.report.getReport() as unknown as Report).userLimits ?? {}
  if (files?.soft === 'unlimited') return Infinity
  return typeof files?.soft === 'number' ? files.soft : undefined
}

/** For people and metrics; undefined where the system doesn't tell. */
export function descriptorsInUse(): number | undefined {
  try {
    return counted() ?? readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}

/**
 * How many may still be opened, `atMost` told. Some microseconds where the kernel counts (Linux 6.2 and later); elsewhere so many are
 * opened and closed again.
 */
export function freeDescriptors(limit: number | undefined, atMost: number): number {
  const used = counted()
  if (used !== undefined && limit !== undefined) return Math.max(0, Math.min(atMost, limit - used))
  return opened(atMost)
}

/** Undefined: an older kernel, or no /proc. */
function counted(): number | undefined {
  try {
    const { size } = statSync('/proc/self/fd')
    return size === 0 ? undefined : size
  } catch {
    return undefined
  }
}

function opened(atMost: number): number {
  const descriptors: number[] = []
  try {
    while (descriptors.length < atMost) descriptors.push(openSync('/dev/null', 'r'))
  } catch {
    // that is the answer
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor)
  }
  return descriptors.length
}
