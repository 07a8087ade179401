/**
 * What may not come of a case. Pure.
 *
 * J1. Who is gone is owed nothing: a connection that ended, or was left, may leave answers behind. One that hung may not.
 */
import { Disconnects, Errors, Unsubscribes, type ErrorCode } from '@natter/protocol'
import type { Case, Conversation } from './case.js'
import { isFlood } from './cases.js'
import type { Played } from './play.js'

export type Rule =
  | 'crashed'
  | 'hung'
  | 'unanswered-request'
  | 'unknown-error'
  | 'unknown-disconnect'
  | 'unknown-unsubscribe'
  | 'unknown-status'
  | 'uninvited-answer'
  | 'unreadable'
  | 'codec-fault'
  | 'logged-bug'
  | 'memory'
  | 'slow-for-others'

export interface Finding {
  rule: Rule
  text: string
  /** Of the case that brought it, where there is one. */
  number?: number
}

type Coded = { code: number }
const byCode = <T extends Coded>(table: Readonly<Record<string, T>>): Map<number, T> =>
  new Map(Object.values(table).map((one) => [one.code, one]))

const errors = byCode<ErrorCode>(Errors)
const disconnects = byCode(Disconnects)
const unsubscribes = byCode(Unsubscribes)

/** 500: a session that nobody has. 431, 505: a header that nobody reads. */
const statuses = new Set([101, 200, 204, 400, 403, 404, 405, 413, 414, 415, 431, 500, 503, 505])

export function judge({ number, from, what }: Case, played: Played): Finding[] {
  const findings: Finding[] = []
  const report = (rule: Rule, text: string): void => void findings.push({ rule, text, number })
  if (what.kind === 'conversation') conversation(what, from, played, report)
  else if (played.end.kind === 'hung') report('unanswered-request', 'no response')
  status(played.status, report)
  for (const post of played.posts) {
    if (post.status === undefined && post.isWellFormed) report('unanswered-request', 'no response to a POST')
    status(post.status, report)
  }
  return findings
}

type Report = (rule: Rule, text: string) => void

function status(said: number | undefined, report: Report): void {
  if (said !== undefined && !statuses.has(said)) report('unknown-status', `status ${said}`)
}

function conversation(what: Conversation, from: string, played: Played, report: Report): void {
  const { told, unreadable, uninvited, end, missing, fault } = played
  if (fault !== undefined) report('codec-fault', fault)
  for (const text of unreadable) report('unreadable', text.slice(0, 300))
  if (uninvited.length > 0 && !isSpoilt(what))
    report('uninvited-answer', `ids ${uninvited.slice(0, 5).join(', ')}`)
  // J1
  if (end.kind === 'hung')
    report(
      'hung',
      missing.length === 0 ? 'neither answered nor ended' : `no answer to ${missing.slice(0, 5).join(', ')}`,
    )
  if (end.kind === 'closed' && !isLost(from, played, end)) closed(what, played, end, report)
  for (const { error, push, code = 0, reason = '' } of told) {
    if (error !== undefined) {
      const known = errors.get(error.code)
      const isSame = known?.message === error.message && (known.temporary === true) === error.isTemporary
      if (!isSame) report('unknown-error', JSON.stringify(error))
    }
    if (push === 'unsubscribe' && unsubscribes.get(code)?.reason !== reason)
      report('unknown-unsubscribe', `${code} ${reason}`)
    if (push === 'disconnect' && disconnects.get(code)?.reason !== reason)
      report('unknown-disconnect', `pushed: ${code} ${reason}`)
  }
}

/**
 * Who still writes when the other side has gone is reset by the system, and may lose the last words that were on their way. Floods and
 * malformed messages end so.
 */
const isLost = (
  from: string,
  { isDoomed }: Played,
  { code, reason }: { code: number; reason: string },
): boolean => code === 1006 && (reason === 'ECONNRESET' || reason === 'EPIPE') && (isDoomed || isFlood(from))

/** Whose frames can't be told apart any more is answered for what nobody knows of. */
const isSpoilt = ({ steps }: Conversation): boolean => steps.some(({ kind }) => kind === 'bytes')

function closed(
  what: Conversation,
  { status: said, told }: Played,
  { code, reason }: { code: number; reason: string },
  report: Report,
): void {
  if (said === undefined)
    return longHead(what) ? undefined : report('unanswered-request', `ended with ${code} before a response`)
  if (said !== 101) {
    const isStream = said === 200
    if (isStream && code === 1006 && !told.some(({ push }) => push === 'disconnect'))
      report('unknown-disconnect', 'the stream was cut without a word')
    return
  }
  if (disconnects.get(code)?.reason === reason || isByLibrary(what, code)) return
  report('unknown-disconnect', `${code} ${reason}`)
}

/** What the HTTP library refuses unread. */
const longHead = ({ head }: Conversation): boolean => head.length > 4_000

/** A message that is too long, or bytes that are no WebSocket frames, or a close of the client's own. */
function isByLibrary({ steps }: Conversation, code: number): boolean {
  const isLong = steps.some((step) => step.kind === 'message' && step.bytes.length > 65_536)
  if (isLong && (code === 1009 || code === 1006)) return true
  const leaves = steps.some(({ kind }) => kind === 'leave' || kind === 'bytes')
  if (leaves && code < 3_000) return true
  // text has to be UTF-8: the library looks itself, and ends without a word
  const isNoText = steps.some((step) => step.kind === 'message' && !step.isBinary && !isUtf8(step.bytes))
  return isNoText && (code === 1006 || code === 1007)
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
