/**
 * The private page of a process: `/health`, `/health/live`, `/health/ready` and `/metrics`, without a password.
 *
 * O1. Only one process gets the port: a second one is told so instead of sharing it.
 * O2. A client can't hold anything: headers are due in seconds, bodies aren't read, connections are few.
 * O3. `stop` ends at once, open connections included.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { InvalidError, messageOf, UnavailableError } from '@natter/primitives'
import type { HealthChecks, HealthQuestion } from './health-checks.js'
import type { Metrics } from './metrics.js'
import type { Veil } from './veil.js'

export interface OpsServerOptions {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  readonly metrics: Metrics
  readonly checks: HealthChecks
  /** Over what health checks say. Default none. */
  readonly veil?: Veil
}

export interface OpsServer {
  readonly port: number
  stop(): Promise<void>
}

interface Answer {
  status: number
  type: string
  body: string
}

/** Listens; rejects with `port-in-use` or `address-not-usable`. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000, maxHeaderSize: 8192 }) // O2
  server.maxConnections = 100
  server.on('request', (request, response) => void respond(options, request, response))
  await listen(server, options)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return { port, stop: () => stop(server) }
}

function listen(server: Server, { host, port }: OpsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)))
    server.listen({ host, port, exclusive: true }, () => resolve()) // O1
  })
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new UnavailableError('port-in-use', `Port ${port} on ${host} is in use (health and metrics).`, {
      cause: error,
    })
  }
  const why = error.code ?? error.message
  return new InvalidError(
    'address-not-usable',
    `Can't listen on ${host}, port ${port} (health and metrics): ${why}.`,
    {
      cause: error,
    },
  )
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections() // O3
  })
}

async function respond(
  options: OpsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await answer(options, request)
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-store')
  if (status === 405) response.setHeader('allow', 'GET, HEAD')
  if (request.method !== 'GET') response.setHeader('connection', 'close') // O2: what it sends is never read
  response.statusCode = status
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answer(
  { checks, metrics, veil }: OpsServerOptions,
  { method, url }: IncomingMessage,
): Promise<Answer> {
  const [path = ''] = (url ?? '').split('?')
  if (!(path in pages)) return text(404, 'There are /health, /health/live, /health/ready and /metrics here.')
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET.')
  try {
    if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.text() }
    const report = await checks.report(questions[path])
    const status = report.status === 'ok' ? 200 : 503
    const said = Object.entries(report.checks).map(([name, why]) => [name, veil?.over(why) ?? why])
    const body = JSON.stringify({ ...report, checks: Object.fromEntries(said) as object })
    return { status, type: 'application/json', body: `${body}\n` }
  } catch (error) {
    return text(500, veil?.over(messageOf(error)) ?? messageOf(error))
  }
}

/** Balancers ask `/health/ready`, what restarts a process `/health/live`, people and their alarms `/health`. */
const questions: Readonly<Record<string, HealthQuestion>> = {
  '/health': 'all',
  '/health/ready': 'ready',
  '/health/live': 'live',
}

const pages = Object.freeze({
  '/health': true,
  '/health/live': true,
  '/health/ready': true,
  '/metrics': true,
})

function text(status: number, sentence: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${sentence}\n` }
}
