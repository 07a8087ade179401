import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { dyingWithParent, type Account } from '../process/die-with-parent.js'
import type { PostgresBinaries } from './postgres-binaries.js'
import { databaseName, userName } from './postgres-url.js'

/**
 * The folder that Postgres calls a cluster: made once, with our user and our database in it.
 *
 * C1. It appears under its name whole and on disk, or not at all: it is made beside, synced, and renamed. A start that was cut
 *     short leaves a draft, which the next one removes.
 * C2. The password in it is the one of the secrets file, also when that file was lost and made anew: the hash of the one that
 *     was set lies in the folder. (A hash does: the password is 32 random bytes.)
 */
export interface Cluster {
  folder: string
  password: string
  binaries: PostgresBinaries
  account: Account | null
}

export async function prepareCluster(cluster: Cluster): Promise<void> {
  const { folder, password } = cluster
  const parent = dirname(folder)
  const prefix = `${basename(folder)}.new-`
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true })
  }
  if (!existsSync(join(folder, 'PG_VERSION'))) await make(cluster, mkdtempSync(join(parent, prefix)))
  else if (!isPasswordOf(folder, password)) {
    await sql(cluster, folder, `ALTER ROLE ${userName} PASSWORD '${password}'`)
    notePassword(cluster, folder) // C2
  }
}

/** C1 */
async function make(cluster: Cluster, draft: string): Promise<void> {
  const { folder, password, binaries, account } = cluster
  if (account !== null) chownSync(draft, account.uid, account.gid)
  const passwordFile = join(draft, 'password')
  writeOwned(passwordFile, password, account)
  const made = join(draft, 'cluster')
  const flags = [
    `--username=${userName}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Postgres' own: the same order and the same letters on every system, whatever locales that has
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync', // once, at the end
  ]
  await run(account, [binaries.initdb, '-D', made, ...flags])
  await sql(cluster, made, `CREATE DATABASE ${databaseName}`)
  notePassword(cluster, made)
  await run(account, [binaries.initdb, '-D', made, '--sync-only'])
  renameSync(made, folder)
  syncFolder(dirname(folder))
  rmSync(draft, { recursive: true, force: true })
}

/** One statement, while no server runs on the folder. */
function sql({ binaries, account }: Cluster, folder: string, statement: string): Promise<void> {
  const flags = ['-j', '-c', 'exit_on_error=on', '-c', 'log_min_messages=error', '-D', folder, 'postgres']
  return run(account, [binaries.postgres, '--single', ...flags], `${statement};\n`)
}

/** Rejects with what it said when it fails. It dies with us, so that nobody works on a draft that the next start removes. */
function run(account: Account | null, command: [string, ...string[]], input = ''): Promise<void> {
  const { file, args, as } = dyingWithParent('KILL', command, account)
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...as, env: { ...process.env, LC_ALL: 'C' }, stdio: 'pipe' })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    }
    child.once('error', (error) => reject(new Error(`${command[0]} does not start: ${error.message}`)))
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${basename(command[0])} failed (${code ?? signal}): ${failureIn(said)}`))
    })
    child.stdin.on('error', () => {}) // it says why it has gone
    child.stdin.end(input)
  })
}

/** What went wrong first, and below it, indented as what belongs to it, all that was said: initdb talks while it works. */
export function failureIn(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  const headline =
    lines.find((line) => /\b(error|FATAL|PANIC|ERROR):/.test(line)) ?? lines.at(-1) ?? 'it said nothing'
  const text = headline.replace(/^.*?(?=(FATAL|PANIC|ERROR): )/, '')
  return [text, ...lines.filter((line) => line !== headline)].join('\n  ')
}

const passwordNote = (folder: string) => join(folder, 'natter-password.sha256')
const hashOf = (password: string) => createHash('sha256').update(password).digest('hex')

function isPasswordOf(folder: string, password: string): boolean {
  const file = passwordNote(folder)
  return existsSync(file) && readFileSync(file, 'utf8') === hashOf(password)
}

function notePassword({ password, account }: Cluster, folder: string): void {
  writeOwned(passwordNote(folder), hashOf(password), account)
}

function writeOwned(file: string, text: string, account: Account | null): void {
  writeFileSync(file, text, { mode: 0o600 })
  if (account !== null) chownSync(file, account.uid, account.gid)
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
