/**
 * What SIGHUP means to a process: read the configuration again, and go on.
 *
 * RL1. It ends no process, but one whose terminal was closed.
 * RL2. One reload at a time. However often it is asked for meanwhile, one more follows, which finds what is there at last.
 * RL3. Asked before the app has started, it comes after; once the process is about to end, it doesn't.
 * RL4. Each is told: what changed, what waits for a restart, or why nothing changed; and counted.
 */
import type { LeveledLogger } from './json-logger.js'
import type { LogLevel } from './logger.js'
import { defineMetrics } from './metric-table.js'
import type { Handles, Metrics } from './metrics.js'
import { watchTerminal } from './terminal.js'

/** What became of a reload. Keys are `section.key`. */
export type Reloaded =
  | { readonly outcome: 'refused'; readonly problems: readonly ReloadProblem[] }
  | {
      /** `same`: nothing that may change did. */
      readonly outcome: 'taken' | 'same'
      readonly changed: readonly string[]
      readonly needsRestart: readonly string[]
    }

/** In the words of a start. */
export interface ReloadProblem {
  readonly key?: string
  readonly env?: string
  readonly message: string
  readonly example?: string
}

/** What this process has to do with it. */
export interface Reload {
  /** Reads the configuration, and puts it into effect as a whole or not at all. */
  run(): Promise<Reloaded>
  /** In effect now. */
  logLevel(): LogLevel
}

export const reloadMetrics = defineMetrics({
  reloads: {
    type: 'counter',
    name: 'natter_config_reloads_total',
    help: 'How often the configuration was read again (SIGHUP): taken, same (nothing had changed), refused (the old one stays), failed.',
    labels: ['outcome'],
  },
  loadedAt: {
    type: 'gauge',
    name: 'natter_config_loaded_seconds',
    help: 'When the configuration in effect was read, seconds since 1970.',
  },
  refused: {
    type: 'gauge',
    name: 'natter_config_refused',
    help: '1 = what was read last was refused: the configuration in effect is an older one.',
  },
  restart: {
    type: 'gauge',
    name: 'natter_config_restart_settings',
    help: 'Settings that a reload found changed and that wait for a restart.',
  },
})

export class Reloads {
  private state: 'starting' | 'idle' | 'running' | 'ending' = 'starting'
  private isAsked = false
  private readonly metrics: Handles<typeof reloadMetrics>
  private reload: Reload | undefined

  constructor(
    private readonly logger: LeveledLogger,
    metrics: Metrics,
    private readonly now: () => number = Date.now,
  ) {
    this.metrics = metrics.register(reloadMetrics)
    this.loaded()
  }

  /** RL1. `onHangUp`: the terminal is gone. */
  listen(onHangUp: () => void, isTerminalGone = watchTerminal()): void {
    process.on('SIGHUP', () => (isTerminalGone() ? onHangUp() : this.ask()))
  }

  /** The app has started. `reload` undefined: it reads its configuration at its start alone. */
  started(reload: Reload | undefined): void {
    this.reload = reload
    if (this.state === 'starting') this.state = 'idle'
    if (this.isAsked) this.ask() // RL3
  }

  ending(): void {
    this.state = 'ending'
  }

  ask(): void {
    this.isAsked = true
    if (this.state === 'idle') void this.runAll()
  }

  /** RL2. */
  private async runAll(): Promise<void> {
    this.state = 'running'
    while (this.isAsked && this.state === 'running') {
      this.isAsked = false
      await this.runOnce()
    }
    if (this.state === 'running') this.state = 'idle'
  }

  /** RL4. Never rejects. */
  private async runOnce(): Promise<void> {
    const { reload, logger } = this
    if (reload === undefined) {
      return logger.warn('config:reload:none', {
        message: 'This app reads its configuration at its start only: restart it.',
      })
    }
    try {
      const reloaded = await reload.run()
      this.metrics.reloads.add({ outcome: reloaded.outcome })
      if (reloaded.outcome === 'refused') return this.refused(reloaded.problems)
      this.loaded()
      logger.setLevel(reload.logLevel())
      this.tell(reloaded)
    } catch (error) {
      this.metrics.reloads.add({ outcome: 'failed' })
      this.metrics.refused.set({}, 1)
      logger.error('config:reload:failed', { error })
    }
  }

  private loaded(): void {
    this.metrics.loadedAt.set({}, this.now() / 1000)
    this.metrics.refused.set({}, 0)
  }

  private tell({ changed, needsRestart }: Exclude<Reloaded, { outcome: 'refused' }>): void {
    this.metrics.restart.set({}, needsRestart.length)
    this.logger.info('config:reload:done', { changed })
    if (needsRestart.length > 0) this.logger.warn('config:reload:restart-needed', { keys: needsRestart })
  }

  private refused(problems: readonly ReloadProblem[]): void {
    this.metrics.refused.set({}, 1)
    this.logger.error('config:reload:refused', { code: 'config-refused', problems })
  }
}
