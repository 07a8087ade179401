import type { Terminal } from '../cli/terminal.js'
import { onStopRequest } from '../stop-signals.js'

/** While `work` runs, Ctrl-C ends it in its own way, and a second one at once. */
export async function endingOnSignals(terminal: Terminal, work: () => Promise<void>): Promise<void> {
  const forget = onStopRequest(
    () => terminal.end(),
    () => process.exit(130),
  )
  try {
    await work()
  } catch (error) {
    if (!terminal.signal.aborted) throw error // what it was asked to leave
  } finally {
    forget()
  }
}
