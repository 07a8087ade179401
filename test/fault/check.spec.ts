import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { check } from './check.js'
import { grouped, type Evidence, type Rule } from './evidence.js'
import type { HistoryEvent } from './history.js'
import { world, type World } from './valid-world.js'

const rulesOf = (evidence: Evidence): Rule[] => check(evidence).violations.map(({ rule }) => rule)

const evidenceOf = ({ events, stream, archive }: World): Evidence => ({ events, stream, archive })

/** Changes a copy of a valid world; undefined where it has nothing to change. */
type Corruption = (world: World, pick: <T>(from: readonly T[]) => T) => World | undefined

/** The judge finds every change of this kind, with one of these rules. */
function finds(rules: readonly Rule[], corrupt: Corruption): void {
  fc.assert(
    fc.property(world(), fc.nat(), (valid, n) => {
      const pick = <T>(from: readonly T[]): T => from[n % from.length] as T
      const corrupted = corrupt(structuredClone(valid), pick)
      fc.pre(corrupted !== undefined)
      const found = rulesOf(evidenceOf(corrupted))
      expect(found.some((rule) => rules.includes(rule))).toBe(true)
    }),
    { numRuns: 300 },
  )
}

type Of<K extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: K }>

const indexesOf = <K extends HistoryEvent['kind']>(
  { events }: World,
  kind: K,
  fits: (event: Of<K>) => boolean = () => true,
): number[] => events.flatMap((event, n) => (event.kind === kind && fits(event as Of<K>) ? [n] : []))

/** Changes one event of a kind. */
const changing =
  <K extends HistoryEvent['kind']>(
    kind: K,
    change: (event: Of<K>, valid: World) => void,
    fits?: (event: Of<K>) => boolean,
  ): Corruption =>
  (valid, pick) => {
    const indexes = indexesOf(valid, kind, fits)
    if (indexes.length === 0) return undefined
    change(valid.events[pick(indexes)] as Of<K>, valid)
    return valid
  }

/** Of a reader who leaves for good nothing more is demanded. */
function isDue({ events }: World, delivery: Of<'delivery'>): boolean {
  const later = events.slice(events.indexOf(delivery) + 1).filter((event) => isOfReader(event, delivery))
  return later.at(-1)?.kind !== 'left' || later.length > 1
}

const isOfReader = (event: HistoryEvent, { subscriber, channel }: Of<'delivery'>): boolean =>
  'subscriber' in event && 'channel' in event && event.subscriber === subscriber && event.channel === channel

const moveAfter = (valid: World, from: number, to: number): World => {
  const [event] = valid.events.splice(from, 1)
  if (event !== undefined) valid.events.splice(to, 0, event)
  return valid
}

/** Two deliveries in a row of one reader in one channel. */
function neighbours(valid: World): [number, number][] {
  const pairs: [number, number][] = []
  const last = new Map<string, number>()
  for (const [n, event] of valid.events.entries()) {
    if (event.kind !== 'delivery' && event.kind !== 'subscribed' && event.kind !== 'left') continue
    const reader = `${event.subscriber} ${event.channel}`
    const before = last.get(reader)
    if (event.kind !== 'delivery') last.delete(reader)
    else {
      if (before !== undefined) pairs.push([before, n])
      last.set(reader, n)
    }
  }
  return pairs
}

describe('the judge', () => {
  it('finds nothing in a history that keeps every promise', () => {
    fc.assert(
      fc.property(world(), (valid) => {
        expect(check(evidenceOf(valid)).violations).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('finds a lost delivery, wherever it was lost', () => {
    finds(['missed'], (valid, pick) => {
      const due = indexesOf(valid, 'delivery', (event) => isDue(valid, event))
      if (due.length === 0) return undefined
      valid.events.splice(pick(due), 1)
      return valid
    })
  })

  it('finds what was delivered twice', () => {
    finds(['doubled'], (valid, pick) => {
      const deliveries = indexesOf(valid, 'delivery')
      if (deliveries.length === 0) return undefined
      const n = pick(deliveries)
      valid.events.splice(n + 1, 0, { ...(valid.events[n] as HistoryEvent) })
      return valid
    })
  })

  it('finds two deliveries in the wrong order, and tells the second as late, not as doubled', () => {
    finds(['late'], (valid, pick) => {
      const pairs = neighbours(valid)
      if (pairs.length === 0) return undefined
      const [first, second] = pick(pairs)
      return moveAfter(valid, first, second)
    })
  })

  it('finds a delivery that the stream has not', () => {
    finds(
      ['invented'],
      changing('delivery', (event, valid) => (event.offset = valid.stream.lastSeq + 1)),
    )
  })

  it('finds a delivery with other data than is stored', () => {
    finds(
      ['altered'],
      changing('delivery', (event) => (event.hash = 'other')),
    )
  })

  it("finds a delivery of another channel's publication", () => {
    finds(['misattributed', 'doubled', 'missed'], (valid, pick) => {
      const deliveries = indexesOf(valid, 'delivery')
      if (deliveries.length === 0) return undefined
      const event = valid.events[pick(deliveries)] as Of<'delivery'>
      const others = valid.stream.publications.filter(({ channel }) => channel !== event.channel)
      if (others.length === 0) return undefined
      event.offset = pick(others).seq
      return valid
    })
  })

  it('finds a delivery to somebody who is not subscribed', () => {
    finds(['uninvited'], (valid, pick) => {
      const deliveries = indexesOf(valid, 'delivery')
      if (deliveries.length === 0) return undefined
      const event = valid.events[pick(deliveries)] as Of<'delivery'>
      valid.events.unshift({ ...event })
      return valid
    })
  })

  it('finds somebody who is not let in any more, for who sees nothing misses nothing', () => {
    finds(['unserved'], (valid, pick) => {
      const replies = indexesOf(valid, 'subscribed')
      if (replies.length === 0) return undefined
      const { subscriber, channel } = valid.events[pick(replies)] as Of<'subscribed'>
      valid.events.push({ atMs: 0, kind: 'left', subscriber, channel, why: 'closed 1006' })
      return valid
    })
  })

  it('finds a recovery that was refused, another epoch, and a position that was not reached yet', () => {
    finds(
      ['unrecovered'],
      changing(
        'subscribed',
        (event) => (event.recovered = false),
        ({ from }) => from !== undefined,
      ),
    )
    finds(
      ['other-epoch'],
      changing('subscribed', (event) => (event.epoch = 'other')),
    )
    finds(
      ['position-ahead'],
      changing('subscribed', (event, valid) => (event.offset = valid.stream.lastSeq + 5)),
    )
  })

  it('finds that an empty recovery skipped what was missed', () => {
    finds(['missed'], (valid, pick) => {
      const replies = indexesOf(valid, 'subscribed', ({ count }) => count > 0)
      if (replies.length === 0) return undefined
      const n = pick(replies)
      const reply = valid.events[n] as Of<'subscribed'>
      const recovered = valid.events.splice(n + 1, reply.count)
      reply.count = 0
      reply.offset = (recovered.at(-1) as Of<'delivery'>).offset
      return valid
    })
  })

  it('finds that an acknowledged publication is not stored', () => {
    finds(['acknowledged-not-stored'], (valid, pick) => {
      const acknowledged = indexesOf(valid, 'answer', ({ outcome }) => outcome === 'acknowledged')
      if (acknowledged.length === 0) return undefined
      const { id } = valid.events[pick(acknowledged)] as Of<'answer'>
      valid.stream.publications = valid.stream.publications.filter((publication) => publication.id !== id)
      return valid
    })
  })

  it('finds that a publication was acknowledged before it was stored', () => {
    finds(
      ['acknowledged-before-stored'],
      changing(
        'answer',
        (event) => (event.atMs -= 1_000),
        ({ outcome }) => outcome === 'acknowledged',
      ),
    )
  })

  it('finds that what was refused is stored, and takes what nobody knows either way', () => {
    finds(['refused-but-stored'], (valid, pick) => {
      const once = valid.stream.publications.filter(
        ({ id }) => indexesOf(valid, 'answer', (event) => event.id === id).length === 1,
      )
      if (once.length === 0) return undefined
      const { id } = pick(once)
      const [n] = indexesOf(valid, 'answer', (event) => event.id === id)
      ;(valid.events[n ?? 0] as Of<'answer'>).outcome = 'refused'
      return valid
    })
  })

  it('takes that a call after a refusal was stored, though its answer was lost: a false alarm costs a day of search', () => {
    fc.assert(
      fc.property(world(), (valid) => {
        const changed = structuredClone(valid)
        for (const call of changed.events) {
          if (call.kind !== 'publish' || call.attempt !== 2) continue
          for (const n of indexesOf(changed, 'answer', ({ id }) => id === call.id)) {
            const answer = changed.events[n] as Of<'answer'>
            answer.outcome = answer.attempt === 1 ? 'refused' : 'unknown'
          }
        }
        expect(rulesOf(evidenceOf(changed))).toEqual([])
      }),
    )
  })

  it('finds what the stream has twice, changed, or from nobody', () => {
    finds(['stored-twice'], (valid, pick) => {
      if (valid.stream.publications.length === 0) return undefined
      const again = { ...pick(valid.stream.publications), seq: valid.stream.lastSeq + 1 }
      valid.stream.publications.push(again)
      valid.stream.lastSeq += 1
      return valid
    })
    for (const [rule, change] of [
      ['altered', { hash: 'other' }],
      ['misattributed', { channel: 'load:other' }],
      ['invented', { id: 'nobody/1' }],
    ] as const) {
      finds([rule], (valid, pick) => {
        if (valid.stream.publications.length === 0) return undefined
        Object.assign(pick(valid.stream.publications), change)
        return valid
      })
    }
  })

  it('finds that calls of one connection were stored in another order', () => {
    finds(['order-of-calls'], (valid, pick) => {
      const isRepeated = (id: string): boolean =>
        indexesOf(valid, 'publish', (call) => call.id === id).length > 1
      const lanes = grouped(
        valid.events.filter((event) => event.kind === 'publish').filter(({ id }) => !isRepeated(id)),
        ({ connection, channel }) => `${connection} ${channel}`,
      )
      const pairs = [...lanes.values()].filter(({ length }) => length > 1)
      if (pairs.length === 0) return undefined
      const lane = pick(pairs)
      const [first, second] = [0, 1].map((n) =>
        valid.stream.publications.find(({ id }) => id === lane[n]?.id),
      )
      if (first === undefined || second === undefined) return undefined
      ;[first.id, second.id] = [second.id, first.id]
      ;[first.hash, second.hash] = [second.hash, first.hash]
      return valid
    })
  })

  it('finds a row that is missing, doubled, changed or from nowhere, and a checkpoint that is elsewhere', () => {
    const changes: [Rule, Corruption][] = [
      [
        'archive-missing',
        (valid, pick) => (
          valid.archive.rows.splice(valid.archive.rows.indexOf(pick(valid.archive.rows)), 1),
          valid
        ),
      ],
      ['archive-twice', (valid, pick) => (valid.archive.rows.push({ ...pick(valid.archive.rows) }), valid)],
      [
        'archive-missing',
        (valid, pick) => (Object.assign(pick(valid.archive.rows), { hash: 'other' }), valid),
      ],
      [
        'archive-invented',
        (valid, pick) => (Object.assign(pick(valid.archive.rows), { channel: 'load:other' }), valid),
      ],
      ['archive-missing', (valid) => ((valid.archive.deadLetters = 1), valid)],
      ['archive-checkpoint', (valid) => ((valid.archive.checkpointSeq -= 1), valid)],
    ]
    for (const [rule, corrupt] of changes)
      finds([rule], (valid, pick) => (valid.archive.rows.length === 0 ? undefined : corrupt(valid, pick)))
  })
})
