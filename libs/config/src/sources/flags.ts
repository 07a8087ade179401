import { coerceText } from '../coerce-text.js'
import type { ConfigDefinition, SettingInfo } from '../config-definition.js'
import { didYouMean } from '../near-miss.js'
import type { Problem } from '../problem.js'
import type { Given, SourceReading } from './source.js'

export interface FlagReading extends SourceReading {
  /** What the person asked for instead of running. Help wins. */
  readonly wants: 'run' | 'help' | 'print'
  readonly configFile: string | undefined
}

/**
 * Reads `--section.key value` and `--section.key=value`; the last one of a kind wins. A text that isn't a known flag is never
 * repeated in a problem: it may be the value of a misspelt secret.
 */
export function readFlags({ settings }: ConfigDefinition, argv: readonly string[]): FlagReading {
  const byPath = new Map(settings.map((info) => [info.path, info]))
  const values = new Map<string, Given>()
  const problems: Problem[] = []
  let wants: FlagReading['wants'] = 'run'
  let configFile: string | undefined
  const words = new Words(argv)
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const { name, attached } = splitFlag(word)
    const info = byPath.get(name)
    if (word === '--help' || word === '-h') wants = 'help'
    else if (word === '--print-config') wants = wants === 'help' ? 'help' : 'print'
    else if (!word.startsWith('--')) problems.push({ message: strayArgument(words.position) })
    else if (name !== 'config' && info === undefined) {
      problems.push(unknownFlag(name, settings))
      if (attached === undefined) words.nextValue()
    } else {
      const text = attached ?? (info?.isBoolean === true ? words.nextBoolean() : words.nextValue())
      if (text === undefined) problems.push(withoutValue(name, info))
      else if (info === undefined) configFile = text
      else
        values.set(name, {
          value: coerceText(info.setting.schema, text),
          origin: { from: 'flag', name: `--${name}` },
        })
    }
  }
  return { values, problems, wants, configFile }
}

/** The arguments, taken one by one. */
class Words {
  position = 0

  constructor(private readonly argv: readonly string[]) {}

  next(): string | undefined {
    const word = this.argv[this.position]
    if (word !== undefined) this.position += 1
    return word
  }

  nextValue(): string | undefined {
    return this.argv[this.position]?.startsWith('--') === true ? undefined : this.next()
  }

  /** A switch may stand alone. */
  nextBoolean(): string {
    const word = this.argv[this.position]
    return word === 'true' || word === 'false' ? (this.next() ?? 'true') : 'true'
  }
}

function splitFlag(word: string): { name: string; attached: string | undefined } {
  const equals = word.indexOf('=')
  if (equals === -1) return { name: word.slice(2), attached: undefined }
  return { name: word.slice(2, equals), attached: word.slice(equals + 1) }
}

function strayArgument(position: number): string {
  return `Argument ${position} is not a flag; flags are written --section.key value.`
}

function unknownFlag(name: string, settings: readonly SettingInfo[]): Problem {
  const known = ['config', 'print-config', 'help', ...settings.map(({ path }) => path)]
  const hint = didYouMean(
    `--${name}`,
    known.map((path) => `--${path}`),
  )
  return { message: `There is no flag --${name}.${hint}` }
}

function withoutValue(name: string, info: SettingInfo | undefined): Problem {
  const message = `The flag --${name} needs a value.`
  return info === undefined
    ? { message }
    : { key: info.path, env: info.env, message, example: info.setting.example }
}
