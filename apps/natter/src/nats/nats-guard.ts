import { spawn, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { dyingWithParent } from '../process/die-with-parent.js'
import { isOrphan } from '../process/is-orphan.js'
import { identify } from '../process/process-identity.js'
import { removeIdentity, writeIdentity } from '../files/identity-file.js'

/**
 * A small process between the supervisor and nats-server, which knows nothing of us: it ends nats-server when the supervisor
 * is gone, however that happened, and ends when nats-server does.
 *
 * N1. The supervisor's end closes our IPC channel: nats-server is asked to end, and killed if it takes longer than
 *     `graceMs`.
 * N2. Our own sudden end takes nats-server along, on Linux by the kernel (`setpriv --pdeathsig`); elsewhere the identity file
 *     lets the next start end it.
 * N3. Ready means: it greets on its port.
 *
 *   nats-guard <nats-server> <config file> <identity file> <host> <port>
 */
const graceMs = 2500

function startServer(binary: string, config: string, identityFile: string): ChildProcess {
  const { file, args } = dyingWithParent('KILL', [binary, '--config', config]) // N2
  const server = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const identity = server.pid === undefined ? null : identify(server.pid)
  if (identity !== null) writeIdentity(identityFile, identity)
  return server
}

/** Whether the server's first words arrive on this port. */
function greets(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (greeted: boolean) => {
      socket.destroy()
      resolve(greeted)
    }
    socket.setTimeout(1000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('data', (data) => end(data.toString('latin1').startsWith('INFO ')))
  })
}

async function reportWhenReady(server: ChildProcess, host: string, port: number): Promise<void> {
  while (server.exitCode === null && server.signalCode === null) {
    if (await greets(host, port)) {
      if (process.connected) process.send?.({ type: 'ready', details: { pid: server.pid } }) // N3
      return
    }
    await sleep(25)
  }
}

function endServer(server: ChildProcess): void {
  server.kill('SIGTERM')
  setTimeout(() => server.kill('SIGKILL'), graceMs).unref()
}

const [binary, config, identityFile, host, port] = process.argv.slice(2)
if (!binary || !config || !identityFile || !host || !port) {
  process.stderr.write('nats-guard <nats-server> <config file> <identity file> <host> <port>\n')
  process.exit(2)
}
if (await isOrphan()) process.exit(0) // nobody would end what it starts
const server = startServer(binary, config, identityFile)
server.once('error', (error) => {
  process.stderr.write(`${binary} does not start: ${error.message}\n`)
  process.exit(1)
})
server.once('exit', (code, signal) => {
  removeIdentity(identityFile)
  process.exit(signal === null ? (code ?? 1) : 1)
})
process.on('disconnect', () => endServer(server)) // N1
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => endServer(server))
await reportWhenReady(server, host, Number(port))
