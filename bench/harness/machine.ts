/** Where figures come from. Without it they say nothing. */
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  kernel: string
  node: string
  natsServer: string
  /** Short hash; a `+` behind it: there were changes that no commit has. */
  commit: string
  /** Which cores the measured process and the load ran on, or that they shared all. */
  placement: string
}

const first = (command: string, args: readonly string[]): string => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

export function describeMachine(natsServer: string, placement: string): Machine {
  const isChanged = first('git', ['status', '--porcelain', '--', 'apps', 'libs', 'bench/harness']) !== ''
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    natsServer: first(natsServer, ['--version']).replace(/^nats-server: /, ''),
    commit: first('git', ['rev-parse', '--short', 'HEAD']) + (isChanged ? '+' : ''),
    placement,
  }
}
