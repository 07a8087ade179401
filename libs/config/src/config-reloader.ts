/**
 * Reads the configuration of a running process again, from the same sources: the environment and the flags are as they were at its
 * start, the files may be others.
 *
 * CR1. All or nothing: a configuration with a problem, of whatever source, changes nothing, and all its problems are told.
 * CR2. What is in effect afterwards is a whole that passes the same checks as one at a start: the settings that may change as they are
 *      now, the others as they were.
 * CR3. One at a time, in the order in which they were asked for: what the files say at the end of the last one is in effect.
 * CR4. A value that didn't change stays the same object.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ConfigDefinition, ConfigOfSections } from './config-definition.js'
import { deepFreeze } from './deep-freeze.js'
import { crossCheck, loadConfig, type ConfigSources } from './load-config.js'
import type { Problem } from './problem.js'
import { processHost } from './process-host.js'
import type { Section } from './section.js'

/** What became of a reload. Keys are `section.key`. */
export type ReloadReport =
  | { readonly outcome: 'refused'; readonly problems: readonly Problem[] }
  | {
      /** `same`: nothing that may change did. */
      readonly outcome: 'taken' | 'same'
      readonly changed: readonly string[]
      /** Stand differently in the sources than they are in effect. */
      readonly needsRestart: readonly string[]
    }

/** What whoever puts a configuration into effect has to say: problems, and then nothing has changed, or what has to wait. */
export interface Taken {
  readonly problems?: readonly Problem[]
  /** Beside what the definition knows, e.g. a file that a setting names. */
  readonly changed?: readonly string[]
  /** The same: `section.key` and what of it. */
  readonly needsRestart?: readonly string[]
}

export class ConfigReloader<const S extends readonly Section[]> {
  private turn: Promise<unknown> = Promise.resolve()

  /** @param present what {@link loadConfig} read of `sources` at the start */
  constructor(
    private readonly definition: ConfigDefinition<S>,
    private present: ConfigOfSections<S>,
    private readonly sources: ConfigSources = processHost,
  ) {}

  /** In effect. */
  get current(): ConfigOfSections<S> {
    return this.present
  }

  /**
   * @param take puts it into effect, as a whole or not at all; called also where no setting changed: what one names may have
   * @throws what `take` throws: then nothing has changed.
   */
  reload(
    take: (next: ConfigOfSections<S>, changed: readonly string[]) => Taken | Promise<Taken>,
  ): Promise<ReloadReport> {
    const mine = this.turn.then(() => this.reloadNow(take)) // CR3
    this.turn = mine.catch(() => {})
    return mine
  }

  private async reloadNow(take: Parameters<this['reload']>[0]): Promise<ReloadReport> {
    const loaded = loadConfig(this.definition, this.sources)
    if (!loaded.ok) return { outcome: 'refused', problems: loaded.problems } // CR1
    const { next, changed, needsRestart } = this.merge(loaded.config)
    const crossed = crossCheck(this.definition, next).map((problem) => afterMerge(problem, needsRestart))
    if (crossed.length > 0) return { outcome: 'refused', problems: crossed }
    const taken = await take(next, changed)
    const { problems = [] } = taken
    if (problems.length > 0) return { outcome: 'refused', problems }
    this.present = next
    const all = [...changed, ...(taken.changed ?? [])]
    const waiting = [...needsRestart, ...(taken.needsRestart ?? [])]
    return { outcome: all.length > 0 ? 'taken' : 'same', changed: all, needsRestart: waiting }
  }

  /** CR2, CR4 */
  private merge(read: ConfigOfSections<S>) {
    const before = this.present as Readonly<Record<string, Readonly<Record<string, unknown>>>>
    const now = read as typeof before
    const next: Record<string, Record<string, unknown>> = {}
    const [changed, needsRestart]: [string[], string[]] = [[], []]
    for (const { name } of this.definition.sections) next[name] = { ...before[name] }
    for (const { path, section, key, setting } of this.definition.settings) {
      const value = now[section]?.[key]
      if (isDeepStrictEqual(value, before[section]?.[key])) continue
      const isTaken = setting.isReloadable === true
      if (isTaken) Object.assign(next[section] ?? {}, { [key]: value })
      const told = isTaken ? changed : needsRestart
      told.push(path)
    }
    return { next: deepFreeze(next) as ConfigOfSections<S>, changed, needsRestart }
  }
}

/** The sources are sound, and what may change of them does not fit what may not. */
function afterMerge(problem: Problem, needsRestart: readonly string[]): Problem {
  const message = `${problem.message} It fits only together with what a restart changes: ${needsRestart.join(', ')}.`
  return { ...problem, message }
}
