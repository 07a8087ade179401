import { setImmediate as nextTurn } from 'node:timers/promises'

/** Whether the supervisor was gone before this process could look. The end of its channel is read between two turns of the event loop. */
export async function isOrphan(): Promise<boolean> {
  if (process.send === undefined) return false // nobody supervises
  await nextTurn()
  return !process.connected
}
