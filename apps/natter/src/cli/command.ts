/**
 * What a command is, as data: the dispatcher, the help, the completion and the reference page are made of it.
 *
 * CL1. A flag of one name takes a value in every command or in none, so that a line can be split before its command is known.
 * CL2. What is read from a line is read by its flag's own `value`, once, with all mistakes of a line told together.
 */

/** What a flag or an argument takes. */
export interface Value<T> {
  /** As it stands in the help: `<duration>`. */
  readonly placeholder: string
  /** Completed by these words. */
  readonly words?: readonly string[]
  /** Completed by names of files. */
  readonly isFile?: true
  /** A mistake completes "--flag …"; it never repeats the text, which may be a secret. */
  read(text: string): { readonly ok: T } | { readonly mistake: string }
}

export interface Flag<T = unknown> {
  readonly name: string
  /** Absent: a switch. */
  readonly value?: Value<T>
  readonly doc: string
  /** What stands for it where it isn't given, as one would write it. */
  readonly default?: string
  /** It may stand several times. */
  readonly isMany?: true
}

export type DefaultedFlag<T> = Flag<T> & { readonly default: string }
export type Switch = Flag<never>

export interface Argument<T = unknown> {
  readonly name: string
  readonly value: Value<T>
  readonly doc: string
  readonly isOptional?: true
}

export interface Example {
  /** Without `natter`. */
  readonly line: string
  readonly doc: string
}

export interface Command {
  /** One line. */
  readonly summary: string
  /** Paragraphs for who reads the help of this command. */
  readonly about?: readonly string[]
  readonly args?: readonly Argument[]
  readonly flags?: readonly Flag[]
  /** What stands behind `--` is handed on, e.g. `settings of the app`. */
  readonly rest?: string
  readonly examples: readonly Example[]
}

export interface Group {
  readonly title: string
  readonly commands: readonly string[]
}

/** A table: commands by name, which may be two words. */
export type Commands = Readonly<Record<string, Command>>

/** 0: done. 1: it failed. 2: the line makes no sense. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/** The line makes no sense; each sentence says one thing that is wrong with it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'

  constructor(
    readonly sentences: readonly string[],
    /** The command that was meant, for a hint at its help. */
    readonly command?: string,
  ) {
    super(sentences.join('\n'))
  }
}
