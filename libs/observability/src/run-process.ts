/**
 * The life of a process that serves: it starts its app, opens its private page, says that it is ready, and ends in order.
 *
 * R1. The page opens after the app has started: an answer there means that the app works.
 * R2. Whoever is told "ready" can reach the page, and ask for an orderly end.
 * R3. A start that fails is one line, `process:start:failed`, and exit code 1; what was half started dies with the process.
 */
import { crashWith } from './crash-with.js'
import { HealthChecks } from './health-checks.js'
import { createLogger } from './json-logger.js'
import type { Logger, LogLevel } from './logger.js'
import { Metrics } from './metrics.js'
import { onShutdown } from './on-shutdown.js'
import { startOpsServer } from './ops-server.js'
import { exitWithSupervisor, reportReady } from './supervised.js'
import { throttle } from './throttle.js'

/** A supervisor that asks for the end kills after 5 s: say before that what hangs. */
const deadlineMs = 4_500

export interface ProcessOptions {
  /** Of this node: `node` in every log line and on every metric. */
  readonly name: string
  readonly log: { readonly level: LogLevel }
  /** Where the private page listens; port 0 takes any free one. */
  readonly ops: { readonly host: string; readonly port: number }
}

/** An app that has started. */
export interface StartedApp {
  /** What the supervisor is told beside `opsPort`, e.g. the port for clients. */
  readonly ready?: Readonly<Record<string, unknown>>
  /** Registers the app's metrics and health checks. Called once, before the page opens. */
  tell(metrics: Metrics, checks: HealthChecks): void
  /** Ends the app, while the page closes: within 4.5 s, or the process ends without it, with code 1. */
  stop(): Promise<unknown>
}

/** Runs `start` with the logger of this process, and sees to everything else up to the exit. Resolves when all is ready. */
export async function runProcess(
  { name, log, ops }: ProcessOptions,
  start: (logger: Logger) => Promise<StartedApp>,
): Promise<void> {
  const logger = throttle(createLogger({ level: log.level, fields: { node: name } }))
  crashWith(logger)
  try {
    const app = await start(logger)
    const metrics = new Metrics({ labels: { node: name } })
    const checks = new HealthChecks()
    app.tell(metrics, checks)
    const page = await startOpsServer({ ...ops, metrics, checks }) // R1
    logger.info('ops:listen', { host: ops.host, port: page.port })
    const end = onShutdown(() => Promise.all([page.stop(), app.stop()]).then(() => metrics.stop()), {
      logger,
      deadlineMs,
    })
    exitWithSupervisor(() => end('the supervisor is gone'))
    reportReady({ ...app.ready, opsPort: page.port }) // R2
  } catch (error) {
    logger.error('process:start:failed', { error })
    process.exit(1) // R3
  }
}
