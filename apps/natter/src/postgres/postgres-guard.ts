import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@natter/primitives'
import { removeIdentity, writeIdentity } from '../files/identity-file.js'
import { openSecrets } from '../files/secrets.js'
import { dyingWithParent, type Account } from '../process/die-with-parent.js'
import { isOrphan } from '../process/is-orphan.js'
import { identify } from '../process/process-identity.js'
import { accountFor } from './postgres-account.js'
import { findPostgres } from './postgres-binaries.js'
import { prepareCluster } from './postgres-cluster.js'
import { disownReusedPid, isReady } from './postmaster-pid.js'

/**
 * A small process between the supervisor and Postgres: it makes the folder of the data if there is none, starts Postgres, ends
 * it when the supervisor is gone, and ends when Postgres does.
 *
 * G1. The supervisor's end closes our IPC channel: Postgres sends its clients away, writes a checkpoint and ends. If that takes
 *     longer than `fastMs` it drops everything, and reads its log at the next start; if longer than `immediateMs`, it is killed.
 * G2. Our own sudden end takes Postgres along, on Linux by the kernel; elsewhere the identity file lets the next start end it.
 *     It gets SIGQUIT: a postmaster that is killed leaves processes behind it, and the next start would have to wait for them.
 * G3. Ready means: it takes connections.
 * G4. It listens on one address and has no socket file. The password is in no argument and in no environment.
 *
 *   postgres-guard <data folder> <secrets file> <identity file> <host> <port>
 */
const fastMs = 1800
const immediateMs = 1000

interface Place {
  folder: string
  secretsFile: string
  identityFile: string
  host: string
  port: string
}

let server: ChildProcess | null = null

function onStopRequest(): void {
  if (server === null) process.exit(0) // initdb goes with us, its draft with the next start
  const running = server
  running.kill('SIGINT') // G1
  setTimeout(() => running.kill('SIGQUIT'), fastMs).unref()
  setTimeout(() => running.kill('SIGKILL'), fastMs + immediateMs).unref()
}

async function start({ folder, secretsFile, identityFile, host, port }: Place): Promise<void> {
  const binaries = await findPostgres()
  const account = accountFor(folder, binaries.postgres)
  const { postgresPassword: password } = openSecrets(secretsFile)
  disownReusedPid(folder) // first: a new password is set by a server too
  await prepareCluster({ folder, password, binaries, account })
  server = startServer(binaries.postgres, folder, [host, port], account)
  const identity = server.pid === undefined ? null : identify(server.pid)
  if (identity !== null) writeIdentity(identityFile, identity)
  server.once('error', fail)
  server.once('exit', (code, signal) => {
    removeIdentity(identityFile)
    process.exit(signal === null ? (code ?? 1) : 1)
  })
  await reportWhenReady(server, folder)
}

/** G2, G4 */
function startServer(
  postgres: string,
  folder: string,
  [host, port]: [string, string],
  account: Account | null,
): ChildProcess {
  const settings = { listen_addresses: host, port, unix_socket_directories: '' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { file, args, as } = dyingWithParent('QUIT', [postgres, '-D', folder, ...flags], account)
  return spawn(file, args, {
    ...as,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

async function reportWhenReady(child: ChildProcess, folder: string): Promise<void> {
  while (child.pid === undefined || !isReady(folder, child.pid)) await sleep(20)
  if (process.connected) process.send?.({ type: 'ready', details: { pid: child.pid } }) // G3
}

function fail(error: unknown): never {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

const [folder, secretsFile, identityFile, host, port] = process.argv.slice(2)
if (!folder || !secretsFile || !identityFile || !host || !port) {
  process.stderr.write('postgres-guard <data folder> <secrets file> <identity file> <host> <port>\n')
  process.exit(2)
}
if (await isOrphan()) process.exit(0) // nobody would end what it starts
process.on('disconnect', onStopRequest)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onStopRequest)
await start({ folder, secretsFile, identityFile, host, port }).catch(fail)
