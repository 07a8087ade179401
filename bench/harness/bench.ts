/** What a bench is to the harness. */
import type { Bar, Sample } from './results.js'
import type { Stage } from './stage.js'

export interface Context {
  stage: Stage
  /** Smoke run: a tenth of the load, no figures to keep. */
  isQuick: boolean
  /** Tells that a contender can't take part here, with the reason. */
  skip(contender: string, reason: string): void
  say(line: string): void
}

export interface Bench {
  name: string
  title: string
  /** Apps that are built for it. */
  apps: readonly string[]
  load(isQuick: boolean): string
  /** What each contender's figures count. */
  inside: Record<string, string>
  bars: Bar[]
  /** Whether measured processes and load get cores of their own. */
  isPlaced: boolean
  /** One run: every contender once, under every shape. */
  run(context: Context): Promise<Sample[]>
  /** No run may take longer. */
  withinMs: number
}
