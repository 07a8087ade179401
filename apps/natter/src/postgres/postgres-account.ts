import { execFileSync, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { canKeepCapabilities, dyingWithParent, type Account } from '../process/die-with-parent.js'

const userName = 'postgres'

/**
 * Postgres refuses to run as root: then it runs as another user, who must reach its program and its data.
 *
 * U1. Who owns the data runs them; data that don't exist yet will be the system user's, who is made if there is none.
 * U2. Where that user may not enter (root's home, say), it keeps the one capability to enter and read, or, where a container
 *     has taken that from root, the one to override permissions. So program and data stay where they are.
 *
 * Answers null when we aren't root: Postgres runs as we do. Throws a sentence when no user can run it.
 */
export function accountFor(cluster: string, binary: string): Account | null {
  if (process.getuid?.() !== 0) return null
  const account = ownerOf(cluster) ?? systemUser() ?? madeUser() // U1
  const capabilities = canKeepCapabilities ? ['dac_read_search', 'dac_override'] : []
  for (const capability of [undefined, ...capabilities]) {
    const able: Account = capability === undefined ? account : { ...account, capability } // U2
    if (reaches(able, dirname(cluster), binary)) return able
  }
  throw new Error(
    `Postgres refuses to run as root, and its user (${account.uid}) may not enter ${dirname(cluster)} or run ${binary}: ` +
      'move both to where every user may enter, start Natter as another user, or name a Postgres in NATTER_POSTGRES_URL.',
  )
}

function reaches(account: Account, folder: string, binary: string): boolean {
  const script = 'cd "$1" && : < "$2" && exec "$3" --version'
  const share = join(dirname(binary), '..', 'share', 'postgresql', 'postgres.bki')
  const command = ['/bin/sh', '-c', script, 'sh', folder, share, binary] as const
  const { file, args, as } = dyingWithParent('KILL', command, account)
  return spawnSync(file, args, { ...as, stdio: 'ignore' }).status === 0
}

function ownerOf(cluster: string): Account | null {
  const found = statSync(cluster, { throwIfNoEntry: false })
  return found === undefined || found.uid === 0 ? null : { uid: found.uid, gid: found.gid }
}

function systemUser(): Account | null {
  const idOf = (flag: string) =>
    Number(execFileSync('id', [flag, userName], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch {
    return null
  }
}

function madeUser(): Account {
  const flags = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
  const { status } = spawnSync('useradd', [...flags, userName], { stdio: 'ignore' })
  const made = systemUser() // also when somebody else has just made it
  if (made !== null) {
    if (status === 0) console.log(`Made the system user ${userName}: Postgres refuses to run as root.`)
    return made
  }
  throw new Error(
    `Postgres refuses to run as root, and the user ${userName} could not be made: start Natter as another user, or name a ` +
      'Postgres in NATTER_POSTGRES_URL.',
  )
}
