/**
 * Starts what a container would run, as a process of this machine.
 *
 * C1. Its environment is what it was given, and nothing of ours but the way to programs: what a manifest forgets is missing here too.
 * C2. It dies with us, however we end: by the kernel (`setpriv --pdeathsig`), and by libs/testing where there is no setpriv.
 * C3. It runs as the user it should, where that user can read Node and the build. A checkout in root's home can't be read by
 *     anybody else: there it runs as we do.
 */
import { startProcess, type ExitInfo } from '@natter/testing'
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import type { LocalProgram } from './programs.js'

export interface ContainerWish {
  /** As its host name. */
  name: string
  program: Extract<LocalProgram, { kind: 'process' }>
  /** Complete; put through `localEnv` before. */
  env: Readonly<Record<string, string>>
  /** In place of the image's. */
  user?: { uid: number; gid: number } | undefined
  cwd?: string
}

export interface RunningContainer {
  readonly pid: number
  /** Of stdout and stderr. */
  readonly lines: readonly string[]
  readonly exited: Promise<ExitInfo>
  /** Sends it, and waits for nothing. Nothing happens to one that has exited. */
  signal(signal: NodeJS.Signals): void
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file))

/** A command that is sent `signal` by the kernel when we end, where there is a setpriv. */
export const dyingWithUs = (signal: 'KILL' | 'TERM', words: readonly [string, ...string[]]) =>
  setpriv === undefined ? words : ([setpriv, '--pdeathsig', signal, '--', ...words] as const)

/** Resolves when the process runs, which says nothing of what it does. */
export async function startContainer({
  name,
  program,
  env,
  user,
  cwd,
}: ContainerWish): Promise<RunningContainer> {
  const owner = usable(user ?? program.user, program)
  const [command, ...args] = dyingWithUs('KILL', [program.file, ...program.args]) // C2
  const child = await startProcess({
    command,
    args,
    env: { ...nothing(), PATH: process.env.PATH, HOSTNAME: name, ...program.env, ...env }, // C1
    ...owner,
    ...(cwd === undefined ? {} : { cwd }),
  })
  let isOver = false
  void child.exited.then(() => (isOver = true))
  return {
    pid: child.pid,
    lines: child.lines,
    exited: child.exited,
    signal: (signal) => {
      if (!isOver) void child.kill(signal)
    },
  }
}

/** `startProcess` adds to our environment, and `NODE_OPTIONS` also where we have none. */
const nothing = (): Record<string, undefined> =>
  Object.fromEntries(['NODE_OPTIONS', ...Object.keys(process.env)].map((name) => [name, undefined]))

const asked = new Map<string, boolean>()

/** C3. */
export function usable(
  user: { uid: number; gid: number } | undefined,
  { file, args }: { file: string; args: readonly string[] },
): { uid?: number; gid?: number } {
  if (user === undefined || process.getuid?.() !== 0) return {}
  const files = [file, ...args.filter((arg) => arg.startsWith('/') && arg.endsWith('.js'))]
  const key = `${user.uid}:${user.gid} ${files.join(' ')}`
  const can = asked.get(key) ?? canRead(user, files)
  asked.set(key, can)
  return can ? user : {}
}

function canRead({ uid, gid }: { uid: number; gid: number }, files: readonly string[]): boolean {
  for (const file of files) accessSync(file, constants.R_OK) // a missing one is another mistake
  const tests = files.map((file) => `test -r '${file}'`).join(' && ')
  return spawnSync('/bin/sh', ['-c', tests], { uid, gid, cwd: '/' }).status === 0
}
