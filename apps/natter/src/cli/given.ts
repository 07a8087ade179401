import { InternalError } from '@natter/primitives'
import type { Argument, Command, DefaultedFlag, Flag, Switch } from './command.js'

/** What a line said, by the flags and arguments of its command. */
export class Given {
  constructor(
    readonly name: string,
    private readonly command: Command,
    private readonly values: ReadonlyMap<Flag | Argument, readonly unknown[]>,
    /** Behind `--`. */
    readonly rest: readonly string[] = [],
  ) {}

  /** The last one counts: it was typed last. */
  of<T>(flag: DefaultedFlag<T>): T
  of<T>(flag: Flag<T>): T | undefined
  of<T>(flag: Flag<T>): T | undefined {
    const given = this.known(flag).at(-1)
    if (given !== undefined || flag.default === undefined || flag.value === undefined) return given as T
    const read = flag.value.read(flag.default)
    if ('mistake' in read) throw new InternalError('bad-default', `--${flag.name}'s default ${read.mistake}.`)
    return read.ok
  }

  all<T>(flag: Flag<T>): readonly T[] {
    return this.known(flag) as readonly T[]
  }

  has(flag: Switch | Flag): boolean {
    return this.known(flag).length > 0
  }

  arg<T>(argument: Argument<T>): T {
    return this.known(argument)[0] as T
  }

  optional<T>(argument: Argument<T>): T | undefined {
    return this.known(argument)[0] as T | undefined
  }

  private known(one: Flag | Argument): readonly unknown[] {
    const { flags = [], args = [] } = this.command
    if (!([...flags, ...args] as readonly unknown[]).includes(one))
      throw new InternalError(
        'unknown-flag',
        `natter ${this.name} has no ${one.name}. This is a bug of ours.`,
      )
    return this.values.get(one) ?? []
  }
}
