/** The two words between a process and whoever started it over IPC: "I am ready", and the silence that means it is gone. */

/** Tells the parent that this process does its work; without a parent nothing happens. */
export function reportReady(details: Readonly<Record<string, unknown>> = {}): void {
  if (process.send === undefined || !process.connected) return
  process.send({ type: 'ready', details }, undefined, undefined, () => {}) // a parent that died meanwhile is told elsewhere
}

/**
 * Calls `onGone` once when the supervisor is gone, so that a killed supervisor leaves no process behind. Only with
 * `NATTER_SUPERVISED=1`: other parents may let go of us. Keeps the process alive no longer than it lives anyway.
 */
export function exitWithSupervisor(onGone: () => void, env: NodeJS.ProcessEnv = process.env): void {
  if (env.NATTER_SUPERVISED !== '1' || process.send === undefined) return
  if (!process.connected) {
    queueMicrotask(onGone) // gone before we looked
    return
  }
  process.once('disconnect', onGone)
  process.channel?.unref()
}
