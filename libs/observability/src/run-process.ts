/**
 * The life of a process that serves: it opens its private page, starts its app, says that it is ready, and ends in order.
 *
 * R1. The page opens first and closes last: an answer there means that the process lives, and `/health/ready` alone that it works. Until
 *     the app has started that is 503 `starting`, from the first word of an end on 503 `draining`.
 * R2. Whoever is told "ready" can reach the app and the page, and ask for an orderly end.
 * R3. A start that fails is one line, `process:start:failed`, and exit code 1; what was half started dies with the process.
 * R4. Who asks for the end while the app still starts is not kept waiting: nobody was told "ready", so the process ends at once, with 0.
 * R5. SIGHUP reads the configuration again (reloads.ts), and ends nothing.
 */
import { crashWith } from './crash-with.js'
import { HealthChecks } from './health-checks.js'
import { createLogger } from './json-logger.js'
import type { Logger, LogLevel } from './logger.js'
import { Metrics } from './metrics.js'
import { onShutdown, type Shutdown } from './on-shutdown.js'
import { Reloads, type Reload } from './reloads.js'
import { startOpsServer } from './ops-server.js'
import { exitWithSupervisor, reportReady } from './supervised.js'
import { throttle } from './throttle.js'
import { Veil } from './veil.js'

/** A supervisor that asks for the end kills after 5 s: say before that what hangs. */
const defaultDeadlineMs = 4_500

export interface ProcessOptions {
  /** Of this node: `node` in every log line and on every metric. */
  readonly name: string
  readonly log: { readonly level: LogLevel }
  /** Where the private page listens; port 0 takes any free one. */
  readonly ops: { readonly host: string; readonly port: number }
  /** From the first signal to the end at the latest. Default 4,500: a laptop's supervisor kills after 5 s. */
  readonly deadlineMs?: number
  /** Never written to a log nor shown on the page, whoever has it in a message. Default none. */
  readonly secrets?: readonly string[]
}

/** An app that has started. */
export interface StartedApp {
  /** What the supervisor is told beside `opsPort`, e.g. the port for clients. */
  readonly ready?: Readonly<Record<string, unknown>>
  /** Registers the app's metrics and health checks. Called once, before the process is ready. */
  tell(metrics: Metrics, checks: HealthChecks): void
  /**
   * Ends the app, while the page says `draining`: within `deadlineMs`, or the process ends without it, with code 1. `hurry` of what it is
   * given aborts with the second signal: then it has a second.
   */
  stop(shutdown: Shutdown): Promise<unknown>
  /** For SIGHUP. Absent: the app reads its configuration at its start only. */
  readonly reload?: Reload
}

/**
 * Runs `start` with the logger of this process, and sees to everything else up to the exit. Resolves when all is ready. `cover`: from now on
 * these texts are secret too.
 */
export async function runProcess(
  { name, log, ops, deadlineMs = defaultDeadlineMs, secrets = [] }: ProcessOptions,
  start: (logger: Logger, cover: (secrets: readonly string[]) => void) => Promise<StartedApp>,
): Promise<void> {
  const veil = new Veil()
  veil.cover(secrets)
  const leveled = createLogger({ level: log.level, fields: { node: name }, veil })
  const logger = throttle(leveled)
  crashWith(logger)
  try {
    const metrics = new Metrics({ labels: { node: name } })
    const checks = new HealthChecks()
    const started = checks.add('starting', () => 'The app has not started yet.')
    const reloads = new Reloads(leveled, metrics)
    let end = (_reason: string): void => process.exit(0) // R4
    reloads.listen(() => end('the terminal is gone')) // R5
    const page = await startOpsServer({ ...ops, metrics, checks, veil }) // R1
    logger.info('ops:listen', { host: ops.host, port: page.port })
    let app: StartedApp | undefined
    const stop = async (shutdown: Shutdown): Promise<void> => {
      reloads.ending()
      checks.add('draining', () => 'This process is about to end.')
      await app?.stop(shutdown) // R4
      await page.stop()
      metrics.stop()
    }
    end = onShutdown(stop, { logger, deadlineMs })
    exitWithSupervisor(() => end('the supervisor is gone'))
    app = await start(logger, (found) => veil.cover(found))
    app.tell(metrics, checks)
    started()
    logger.info('process:start:done', app.ready)
    reportReady({ ...app.ready, opsPort: page.port }) // R2
    reloads.started(app.reload)
  } catch (error) {
    logger.error('process:start:failed', { error })
    process.exit(1) // R3
  }
}
