/**
 * The judge: what a run promised and didn't hold. Pure.
 *
 * C1. A run that shows nothing isn't a good one: no calls, an instance that was never asked, too few sockets are violations too.
 * C2. Order is that of sends: a repeat is a later send, and stands where it was stored.
 */
import type { Evidence, Stored } from './evidence.js'

export type Rule =
  | 'dropped'
  | 'rpc without an answer'
  | 'publication without an answer'
  | 'not stored once'
  | 'stored out of order'
  | 'stored unasked'
  | 'not heard once'
  | 'did not end in order'
  | 'shows nothing'

export interface Violation {
  rule: Rule
  text: string
}

export function check(evidence: Evidence): Violation[] {
  return [
    ...dropped(evidence),
    ...unanswered(evidence),
    ...storedOnce(evidence),
    ...order(evidence),
    ...heard(evidence),
    ...ends(evidence),
    ...vacuous(evidence),
  ]
}

const dropped = ({ dropped: all }: Evidence): Violation[] =>
  all.map(({ client, why }) => ({ rule: 'dropped', text: `${client}: ${why}` }))

function unanswered({ rpcs, published }: Evidence): Violation[] {
  const told = (rule: Rule, all: Evidence['rpcs']): Violation[] =>
    all
      .filter(({ outcome }) => outcome !== 'answered')
      .map(({ client, outcome, why = '', sends }) => ({
        rule,
        text: `${client}: ${outcome} after ${sends} sends ${why}`,
      }))
  return [...told('rpc without an answer', rpcs), ...told('publication without an answer', published)]
}

const keyOf = ({ client, n }: { client: string; n: number }): string => `${client} ${n}`

/** What got no acknowledgement may be stored, once at most; it is told as unanswered already. */
function storedOnce({ published, stored }: Evidence): Violation[] {
  const counts = new Map<string, number>()
  for (const one of stored) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1)
  const known = new Set(published.map(keyOf))
  const strangers = stored.filter((one) => !known.has(keyOf(one)))
  const wrong = published.filter((one) => {
    const count = counts.get(keyOf(one)) ?? 0
    return one.outcome === 'answered' ? count !== 1 : count > 1
  })
  return [
    ...wrong.map((one) => `${keyOf(one)}: ${counts.get(keyOf(one)) ?? 0} times`),
    ...strangers.map((one) => `${keyOf(one)}: nobody published it`),
  ].map((text) => ({ rule: 'not stored once', text }))
}

/** C2 */
function order({ stored }: Evidence): Violation[] {
  const last = new Map<string, Stored>()
  const violations: Violation[] = []
  for (const one of stored) {
    const before = last.get(one.client)
    if (before !== undefined && before.send >= one.send)
      violations.push({
        rule: 'stored out of order',
        text: `${one.client}: send ${one.send} after send ${before.send}`,
      })
    last.set(one.client, one)
    if (one.by === undefined) violations.push({ rule: 'stored unasked', text: keyOf(one) })
  }
  return violations
}

function heard({ stored, heard: all }: Evidence): Violation[] {
  const counts = new Map<string, number>()
  for (const { channel } of stored) counts.set(channel, (counts.get(channel) ?? 0) + 1)
  return all.flatMap(({ client, channel, publications, disordered }): Violation[] => {
    const expected = counts.get(channel) ?? 0
    if (publications === expected && disordered === 0) return []
    const text = `${client} in ${channel}: ${publications} of ${expected}, ${disordered} out of order`
    return [{ rule: 'not heard once', text }]
  })
}

const ends = ({ replaced }: Evidence): Violation[] =>
  replaced
    .filter(({ signal, code }) => signal === 'SIGTERM' && code !== 0)
    .map(({ instance, code }) => ({ rule: 'did not end in order', text: `${instance}: exit code ${code}` }))

/** C1 */
function vacuous({ sockets, heard: all, rpcs, stored, replaced, instances }: Evidence): Violation[] {
  const asked = new Set([...rpcs, ...stored].map(({ by }) => by))
  const gone = new Set(replaced.map(({ instance }) => instance))
  const idle = instances.filter((instance) => !asked.has(instance))
  const texts = [
    ...(all.length === sockets ? [] : [`${all.length} of ${sockets} sockets`]),
    ...(rpcs.length === 0 ? ['no rpc was called'] : []),
    ...(stored.length === 0 ? ['nothing was stored'] : []),
    ...(gone.size === 0 ? ['nothing was replaced'] : []),
    ...idle.map((instance) => `${instance} was never asked`),
  ]
  return texts.map((text) => ({ rule: 'shows nothing', text }))
}
