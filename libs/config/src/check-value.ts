import { z } from 'zod'
import type { SettingInfo } from './config-definition.js'
import { didYouMean } from './near-miss.js'
import { problemWith, type Problem } from './problem.js'
import { redact } from './redact.js'
import type { Given } from './sources/source.js'
import { unwrap } from './values/kind.js'

export type Checked = { ok: true; value: unknown } | { ok: false; problems: Problem[] }

/** Puts a given value, or nothing, through the schema of its setting. */
export function checkValue(info: SettingInfo, given: Given | undefined): Checked {
  const result = z.safeParse(info.setting.schema, given?.value)
  if (result.success) return { ok: true, value: result.data }
  if (given === undefined) {
    return { ok: false, problems: [problemWith(info, `is missing; it must be ${info.kind}`)] }
  }
  return { ok: false, problems: result.error.issues.flatMap((issue) => explain(info, given, issue)) }
}

function explain(info: SettingInfo, given: Given, issue: z.core.$ZodIssue): Problem[] {
  const deeper = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(info.setting.schema, issue.path)
    const where = seeOrigin(info, given, `${deeper}.`)
    return issue.keys.map((key) =>
      problemWith(info, `has no key ${key}${where}`, deeper, didYouMean(key, known)),
    )
  }
  const isPlain =
    issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union'
  const complaint = deeper === '' && isPlain ? `must be ${info.kind}` : asClause(issue.message)
  return [problemWith(info, complaint + seeOrigin(info, given, deeper), deeper)]
}

/** zod's own messages are sentences; ours complete "the key …". */
function asClause(message: string): string {
  if (message.startsWith('must ')) return message
  return `is wrong: ${message.replace(/^Invalid (input|option): /, '').replace(/\.$/, '')}`
}

/** Says where the value stands, and what it is if it may be shown. */
function seeOrigin(info: SettingInfo, { value, origin }: Given, deeper: string): string {
  const name = 'name' in origin ? origin.name : 'the default'
  if (!info.setting.shown || deeper !== '') return `; see ${name}`
  return `; ${name} says ${shorten(JSON.stringify(redact(info, value)) ?? 'nothing')}`
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** The keys that the object at `path` within a schema may have; none if it can't be found out. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodPipe) {
    const isPreprocess = inner.def.in instanceof z.ZodTransform
    return keysAt(isPreprocess ? inner.def.out : inner.def.in, path)
  }
  const [step, ...rest] = path
  if (inner instanceof z.ZodArray && step !== undefined) return keysAt(inner.def.element, rest)
  if (inner instanceof z.ZodRecord && step !== undefined) return keysAt(inner.def.valueType, rest)
  if (!(inner instanceof z.ZodObject)) return []
  if (step === undefined) return Object.keys(inner.def.shape)
  const next = inner.def.shape[String(step)] as z.core.$ZodType | undefined
  return next === undefined ? [] : keysAt(next, rest)
}
