import type { EffectiveSetting } from './load-config.js'
import type { Origin } from './sources/source.js'

/** The effective configuration as YAML, redacted, each value with where it came from. */
export function printConfig(app: string, effective: readonly EffectiveSetting[]): string {
  const lines = [`# Configuration of ${app}, as in effect.`]
  let section = ''
  for (const { info, origin, shown } of effective) {
    if (info.section !== section) lines.push(`${info.section}:`)
    ;({ section } = info)
    lines.push(line(info.key, origin, shown))
  }
  return `${lines.join('\n')}\n`
}

function line(key: string, origin: Origin, shown: unknown): string {
  if (origin.from === 'unset') return `  # ${key} is not set`
  const text = `  ${key}: ${JSON.stringify(shown)}`
  return `${text.padEnd(48)} # ${'name' in origin ? `${origin.from} ${origin.name}` : origin.from}`
}
