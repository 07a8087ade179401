/** Commands as JSON, with what goes wrong there: wrong types, doubled keys, odd separators, text that is no JSON. */
import type { Chance } from '../fault/seeded.js'
import type { Drawn, Fields, Value } from './commands.js'
import { anyText, quoted, wrongJson } from './nasty.js'

/** `wrong`: the share of values that are replaced by something that doesn't belong there. */
export function jsonCommand(chance: Chance, { id, method, fields }: Drawn, wrong: number): string {
  const parts: string[] = []
  if (id !== 0 || chance.next() < 0.05) parts.push(`"id":${chance.next() < wrong ? wrongJson(chance) : id}`)
  if (method !== 'pong') parts.push(`${quoted(chance, method)}:${object(chance, fields, wrong)}`)
  if (chance.next() < wrong) parts.push(`${quoted(chance, anyText(chance))}:${wrongJson(chance)}`)
  if (chance.next() < wrong) parts.push(...parts.slice(0, 1)) // doubled
  if (chance.next() < 0.1) parts.reverse()
  const gap = chance.next() < 0.1 ? chance.pick([' ', '\t', '  ', '\r']) : ''
  return `${gap}{${parts.join(`,${gap}`)}}${gap}`
}

function object(chance: Chance, fields: Fields, wrong: number): string {
  if (chance.next() < wrong / 4) return wrongJson(chance)
  const parts = fields.map(([name, value]) => {
    const said = chance.next() < wrong ? wrongJson(chance) : written(chance, value, wrong)
    return `${quoted(chance, name)}:${said}`
  })
  const [first] = parts
  if (first !== undefined && chance.next() < 0.02) parts.push(first)
  return `{${parts.join(',')}}`
}

function written(chance: Chance, { type, value }: Value, wrong: number): string {
  switch (type) {
    case 'text':
      return quoted(chance, value)
    case 'number':
    case 'data':
      return value
    case 'flag':
      return String(value)
    case 'fields':
      return object(chance, value, wrong)
    case 'list':
      return `[${value.map((one) => written(chance, one, wrong)).join(',')}]`
    case 'map':
      return `{${value.map(([key, one]) => `${quoted(chance, key)}:${written(chance, one, wrong)}`).join(',')}}`
  }
}

/** Lines that SDKs would send, mostly. */
export function jsonFrame(chance: Chance, commands: readonly Drawn[], wrong: number): Buffer {
  const lines = commands.map((command) => jsonCommand(chance, command, wrong))
  const separator = chance.next() < wrong ? chance.pick(['\n\n', '\r\n', '', ' ', ',', '\u0000']) : '\n'
  const end =
    chance.next() < 0.1 ? '\n' : chance.next() < wrong ? chance.pick(['\n\n', ' ', '\u0000', '\ufeff']) : ''
  return Buffer.from(lines.join(separator) + end)
}
