import { monitorEventLoopDelay } from 'node:perf_hooks'

const everyMs = 1000
/** Finer costs wake-ups, coarser misses short stalls. */
const resolutionMs = 10

/** Tells once a second how long the event loop was blocked at worst; the result ends it. Keeps no process alive. */
export function watchEventLoop(tell: (worstSeconds: number) => void): () => void {
  const monitor = monitorEventLoopDelay({ resolution: resolutionMs })
  monitor.enable()
  const timer = setInterval(() => {
    const worstMs = monitor.max / 1e6 - resolutionMs // the monitor counts from one tick to the next, waiting included
    monitor.reset()
    tell(Math.max(0, worstMs) / 1000)
  }, everyMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    monitor.disable()
  }
}
