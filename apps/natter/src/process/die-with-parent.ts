import { existsSync } from 'node:fs'

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file))

/** Another user that a program runs as; only root may ask for it. */
export interface Account {
  uid: number
  gid: number
  /** A capability that it keeps, for what only root may enter; needs `canKeepCapabilities`. */
  capability?: string
}

export const canKeepCapabilities = setpriv !== undefined

export interface Command {
  file: string
  args: readonly string[]
  /** For `spawn`. */
  as: { uid?: number; gid?: number }
}

/**
 * A program for `spawn` that is sent `signal` when the process that started it ends, however that happens: on Linux, by the
 * kernel. Elsewhere it is started without that, and who starts it must find another way.
 */
export function dyingWithParent(
  signal: 'KILL' | 'QUIT',
  [file, ...args]: readonly [string, ...string[]],
  account: Account | null = null,
): Command {
  if (setpriv === undefined) return { file, args, as: account ? { uid: account.uid, gid: account.gid } : {} }
  const flags = ['--pdeathsig', signal, ...(account === null ? [] : flagsOf(account))]
  return { file: setpriv, args: [...flags, file, ...args], as: {} }
}

function flagsOf({ uid, gid, capability }: Account): string[] {
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  if (capability === undefined) return identity
  const kept = `-all,+${capability}`
  // The fixup would take it away again in access(2), by which Postgres looks for its own program.
  return [...identity, '--securebits=+no_setuid_fixup', `--inh-caps=${kept}`, `--ambient-caps=${kept}`]
}
