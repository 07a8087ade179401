/**
 * CPU time of other processes, all threads, user and system.
 *
 * C1. From the scheduler, which counts nanoseconds, where /proc has it: the ticks of /proc/<pid>/stat are 10 ms each.
 * C2. Thread by thread: one that ends between two readings takes its time with it, and must not be taken from the others'.
 */
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100 // USER_HZ, the same on every Linux that Node runs on

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Microseconds so far, by thread; by the whole process where the scheduler doesn't tell. */
type Reading = ReadonlyMap<string, number>

function cpuUs(pid: number): Reading {
  const scheduled = threads(pid).map((thread): [string, number] => {
    const [nanoseconds] = read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')
    return [thread, Number(nanoseconds ?? 0) / 1000]
  })
  const isTold = scheduled.some(([, us]) => us > 0)
  return new Map(isTold ? scheduled : [['all', tickedUs(pid)]]) // C1
}

/** C2. */
function growth(before: Reading, after: Reading): number {
  let total = 0
  for (const [thread, us] of after) total += us - (before.get(thread) ?? 0)
  return total
}

function tickedUs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  const [utime = 0, stime = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return ((utime + stime) / ticksPerSecond) * 1_000_000
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Measures several processes over one stretch of time; the returned function answers microseconds per process since the call. */
export function stopwatch(pids: readonly number[]): () => number[] {
  const before = pids.map(cpuUs)
  return () => pids.map((pid, index) => growth(before[index] ?? new Map(), cpuUs(pid)))
}

/** Bytes that are the process's own or mapped and present. */
export function rssBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

/** Caches of the kernel whose objects belong to sockets; their names differ a little between kernels. */
const socketCaches = /^(TCP|TCPv6|sock_inode_cache|filp|ep_head|eventpoll_\w+|skbuff_\w+|tcp_bind\w*)$/

/** Bytes that the kernel holds for the sockets of all processes: their objects and the buffers of TCP. 0 where /proc doesn't tell. */
export function socketKernelBytes(): number {
  let total = Number(/^TCP:.* mem (\d+)/m.exec(read('/proc/net/sockstat'))?.[1] ?? 0) * 4096
  for (const line of read('/proc/slabinfo').split('\n')) {
    const [name = '', objects, , objectBytes] = line.split(/\s+/)
    if (socketCaches.test(name)) total += Number(objects) * Number(objectBytes)
  }
  return total
}
