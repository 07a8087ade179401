import type { ChildProcess } from 'node:child_process'

/** The child processes this kit has started and that still run, with what they are. */
export const runningChildren = new Map<ChildProcess, string>()

/** Remembers a child until it exits, and takes it along when this process goes. */
export function track(child: ChildProcess, what: string): void {
  runningChildren.set(child, what)
  const killChild = (): void => void child.kill('SIGKILL')
  process.once('exit', killChild)
  child.once('close', () => {
    runningChildren.delete(child)
    process.off('exit', killChild)
  })
}
