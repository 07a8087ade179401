import { InvalidError } from '@natter/primitives'
import { exitCodes } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import { pairs, type Terminal } from '../cli/terminal.js'
import type { Action } from './action.js'
import { judge, type Judgement, type Kind } from './judge-token.js'
import { kind as kindFlag, token as tokenArgument } from './token-table.js'
import { tokenSettings } from './token-settings.js'

export const checkToken: Action = async (given, terminal) => {
  const text = await textOf(given, terminal)
  const { header, payload } = readParts(text)
  const kind = kindOf(given, payload)
  const judgement = await judge(text, kind, await tokenSettings(given, terminal))
  const { isGood, outcome, reason, why, answer, key } = judgement
  const value = { good: isGood, outcome, kind, reason, why, answer, key, header, claims: payload }
  terminal.show(value, textFor(judgement, kind, header, payload))
  return isGood ? exitCodes.done : exitCodes.failed
}

async function textOf(given: Given, terminal: Terminal): Promise<string> {
  const word = given.optional(tokenArgument) ?? '-'
  const text = (word === '-' ? await terminal.readStdin() : word).trim()
  if (text !== '') return text
  throw new InvalidError(
    'no-token',
    'There is no token: natter check-token <token>, or write it to standard input.',
  )
}

type Part = Readonly<Record<string, unknown>> | undefined

/** As it says itself, whoever wrote it. */
function readParts(text: string): { header: Part; payload: Part } {
  const [header, payload] = text.split('.')
  return { header: readPart(header), payload: readPart(payload) }
}

function readPart(part = ''): Part {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function kindOf(given: Given, payload: Part): Kind {
  const said = given.of(kindFlag)
  if (said !== 'auto') return said
  return payload?.['channel'] === undefined ? 'connection' : 'subscription'
}

function textFor({ isGood, why, answer, key }: Judgement, kind: Kind, header: Part, payload: Part): string {
  const proven = key === undefined ? ' (it says)' : ''
  const rows: [string, string][] = [
    ['kind', `${kind} token`],
    ...(key === undefined ? [] : ([['key', key]] as [string, string][])),
    ...(answer === undefined ? [] : ([['answer', answer.text]] as [string, string][])),
    ...(header?.['alg'] === undefined
      ? []
      : ([['algorithm', describe('alg', header['alg'])]] as [string, string][])),
    ...Object.entries(payload ?? {}).map(([name, value]): [string, string] => [
      `${name}${proven}`,
      describe(name, value),
    ]),
  ]
  return `${isGood ? 'Good' : 'Refused'}: ${why}\n\n${pairs(rows)}`
}

const times = new Set(['exp', 'nbf', 'iat', 'expire_at'])

function describe(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (!times.has(name) || typeof value !== 'number' || Math.abs(value) > 8.64e12) return JSON.stringify(value)
  if (value === 0) return '0, never'
  return `${value}, ${new Date(value * 1000).toISOString()}, ${fromNow(value * 1000 - Date.now())}`
}

function fromNow(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  const [amount, unit] =
    seconds < 120
      ? [seconds, 's']
      : seconds < 7200
        ? [Math.round(seconds / 60), 'min']
        : [Math.round(seconds / 3600), 'h']
  return ms < 0 ? `${amount} ${unit} ago` : `in ${amount} ${unit}`
}
