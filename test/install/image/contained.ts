/**
 * Starts an image as an engine does it, with the kernel's own means: its file system as root and read-only, its user without any
 * capability, its program as process 1 of a process namespace. The network is this machine's.
 *
 * T1. It can write nowhere but in /tmp.
 * T2. It has the variables of the image and those it was given, and none of ours.
 * T3. It dies with us: when `unshare` ends, so does process 1, and with it all others of the namespace. `setpriv` asks for it, because
 *     the kernel forgets what `unshare --kill-child` asked for when the user changes.
 */
import { eventually, startProcess, type ExitInfo, type StartedProcess } from '@natter/testing'
import { readFileSync } from 'node:fs'
import type { ImageConfig } from './store.js'

export interface Contained {
  /** Process 1, by its number on this machine. */
  readonly init: number
  readonly lines: readonly string[]
  readonly exited: Promise<ExitInfo>
  waitForLine: StartedProcess['waitForLine']
  /** To process 1, as an engine sends it. */
  signal(signal: NodeJS.Signals): void
  /** Of process 1, by their numbers on this machine. */
  children(): number[]
  dispose(): Promise<void>
}

const script = `set -eu
root=$1; workdir=$2; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" /usr/bin/env --ignore-environment --chdir="$workdir" "$@"`

/** @param command in place of the image's own, e.g. without its init */
export async function startContained(
  { root, config }: { root: string; config: ImageConfig },
  env: Readonly<Record<string, string>>,
  command: readonly string[] = [...config.Entrypoint, ...config.Cmd],
): Promise<Contained> {
  const variables = [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)] // T2
  const [uid = '', gid = ''] = config.User.split(':')
  const user = ['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  const powerless = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--pdeathsig=KILL'] // T3
  const namespaces = ['--mount', '--pid', '--ipc', '--fork', '--kill-child=SIGKILL']
  const process1 = [...variables, ...user, ...powerless, ...command]
  const child = await startProcess({
    command: 'unshare',
    args: [...namespaces, 'sh', '-c', script, 'sh', root, config.WorkingDir, ...process1], // T1
  })
  const init = await eventually(() => childrenOf(child.pid)[0])
  return {
    init,
    lines: child.lines,
    exited: child.exited,
    waitForLine: (fits, timeoutMs) => child.waitForLine(fits, timeoutMs),
    signal: (signal) => process.kill(init, signal),
    children: () => childrenOf(init),
    dispose: () => child.kill('SIGKILL').then(() => undefined),
  }
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return list === '' ? [] : list.split(' ').map(Number)
}
