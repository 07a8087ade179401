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
 * Reads `--section.key value` and `--section.key=value`; the last one of a kind wins. What isn't a flag is never repeated in a
 * problem: it may be the value of a misspelt secret.
 */
export function readFlags({ settings }: ConfigDefinition, argv: readonly string[]): FlagReading {
  const reader = new FlagReader(settings, argv)
  reader.readAll()
  return reader
}

class FlagReader implements FlagReading {
  readonly values = new Map<string, Given>()
  readonly problems: Problem[] = []
  wants: FlagReading['wants'] = 'run'
  configFile: string | undefined
  private readonly byPath: ReadonlyMap<string, SettingInfo>
  private position = 0

  constructor(
    settings: readonly SettingInfo[],
    private readonly argv: readonly string[],
  ) {
    this.byPath = new Map(settings.map((info) => [info.path, info]))
  }

  readAll(): void {
    for (let word = this.next(); word !== undefined; word = this.next()) this.read(word)
  }

  private read(word: string): void {
    if (word === '--help' || word === '-h') this.wants = 'help'
    else if (word === '--print-config') this.wants = this.wants === 'help' ? 'help' : 'print'
    else if (word.startsWith('--')) this.readFlag(word)
    else this.problems.push({ message: strayArgument(this.position) })
  }

  private readFlag(word: string): void {
    const { name, attached } = splitFlag(word)
    const info = this.byPath.get(name)
    if (info === undefined && name !== 'config') {
      this.problems.push(unknownFlag(name, [...this.byPath.keys()]))
      if (attached === undefined && this.peek()?.startsWith('--') === false) this.next() // its value
      return
    }
    const text = attached ?? this.valueOf(info)
    if (text === undefined) this.problems.push(withoutValue(name, info))
    else if (info === undefined) this.configFile = text
    else this.values.set(name, { value: coerceText(info.setting.schema, text), origin: flagOrigin(name) })
  }

  /** A switch may stand alone. A secret may begin with dashes, and if taken for a flag it would be told as an unknown one. */
  private valueOf(info: SettingInfo | undefined): string | undefined {
    const word = this.peek()
    if (info?.isBoolean === true) return isBooleanText(word) ? this.next() : 'true'
    const isFlag = info?.envFile === undefined ? word?.startsWith('--') === true : this.isKnownFlag(word)
    return isFlag ? undefined : this.next()
  }

  private isKnownFlag(word: string | undefined): boolean {
    if (word?.startsWith('--') !== true) return false
    const { name } = splitFlag(word)
    return this.byPath.has(name) || ownFlags.includes(name)
  }

  private peek(): string | undefined {
    return this.argv[this.position]
  }

  private next(): string | undefined {
    const word = this.peek()
    if (word !== undefined) this.position += 1
    return word
  }
}

const ownFlags: readonly string[] = ['config', 'print-config', 'help']

function flagOrigin(name: string): Given['origin'] {
  return { from: 'flag', name: `--${name}` }
}

function isBooleanText(word: string | undefined): boolean {
  return word !== undefined && ['true', 'false', '1', '0'].includes(word)
}

function splitFlag(word: string): { name: string; attached: string | undefined } {
  const equals = word.indexOf('=')
  if (equals === -1) return { name: word.slice(2), attached: undefined }
  return { name: word.slice(2, equals), attached: word.slice(equals + 1) }
}

function strayArgument(position: number): string {
  return `Argument ${position} is not a flag; flags are written --section.key value.`
}

function unknownFlag(name: string, paths: readonly string[]): Problem {
  const known = [...ownFlags, ...paths].map((path) => `--${path}`)
  return { message: `There is no flag --${name}.${didYouMean(`--${name}`, known)}` }
}

function withoutValue(name: string, info: SettingInfo | undefined): Problem {
  const message = `The flag --${name} needs a value.`
  return info === undefined
    ? { message }
    : { key: info.path, env: info.env, message, example: info.setting.example }
}
