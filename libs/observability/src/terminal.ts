import { closeSync, openSync } from 'node:fs'

/**
 * Whether the terminal that this process was started in has been closed since. False where there never was one: a service, a container.
 * With it one signal has two meanings: SIGHUP asks a service to read its configuration, and says that a terminal is gone.
 */
export function watchTerminal(hasTerminal: () => boolean = canOpenTerminal): () => boolean {
  const had = hasTerminal()
  return () => had && !hasTerminal()
}

function canOpenTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
