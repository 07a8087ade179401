import { describe, expect, it } from '@jest/globals'
import type { ClusterEvent, PodChange } from './events.js'
import {
  exitsOf,
  judgeConnects,
  judgeCounts,
  judgeEnds,
  judgeGoodbyes,
  readinessLosses,
  type Seen,
} from './judge.js'

const rule = {
  replicas: 2,
  maxSurge: 1,
  maxUnavailable: 0,
  minReadyMs: 0,
  progressDeadlineMs: 1,
  isRecreate: false,
}
const pod = (atMs: number, name: string, change: PodChange): ClusterEvent => ({
  atMs,
  kind: 'pod',
  pod: name,
  owner: 'gateway',
  revision: 'r',
  change,
})
const container = (atMs: number, name: string, change: 'exited' | 'killed', why = '0'): ClusterEvent => ({
  atMs,
  kind: 'container',
  pod: name,
  container: 'gateway',
  change,
  why,
})
const refused = (atMs: number, name: string): ClusterEvent => ({
  atMs,
  kind: 'connect',
  service: 'gateway',
  outcome: 'refused',
  pod: name,
})
const nobody = (atMs: number): ClusterEvent => ({
  atMs,
  kind: 'connect',
  service: 'gateway',
  outcome: 'nobody',
})

const before = ['gateway-a', 'gateway-b'].flatMap((name) => [pod(0, name, 'created'), pod(1, name, 'ready')])
const span = { fromMs: 1_000, toMs: 60_000 }
const seen = (...events: ClusterEvent[]): Seen => ({
  workload: 'gateway',
  service: 'gateway',
  rule,
  acceptsForMs: 2_000,
  events: [...before, ...events],
})

/** One more, then one less, orderly. */
const orderly = [
  pod(1_000, 'gateway-c', 'created'),
  pod(2_000, 'gateway-c', 'ready'),
  pod(2_001, 'gateway-a', 'deleted'),
  pod(3_500, 'gateway-a', 'unready'),
  container(7_000, 'gateway-a', 'exited'),
  pod(7_001, 'gateway-a', 'gone'),
]

describe('the judge of a rollout', () => {
  it('finds nothing in an orderly one', () => {
    const all = seen(...orderly)
    expect([...judgeCounts(all, span), ...judgeEnds(all, span), ...judgeConnects(all, span)]).toEqual([])
  })

  it('finds an old pod deleted before the new one was ready, and one pod too many', () => {
    expect(judgeCounts(seen(pod(1_000, 'gateway-a', 'deleted')), span)).toEqual([
      expect.objectContaining({ rule: 'too-few-ready' }),
    ])
    const two = seen(pod(1_000, 'gateway-c', 'created'), pod(1_000, 'gateway-d', 'created'))
    expect(judgeCounts(two, span)).toEqual([expect.objectContaining({ rule: 'too-many' })])
  })

  it('counts who lost its readiness as one that isn’t ready', () => {
    expect(judgeCounts(seen(pod(1_500, 'gateway-b', 'unready')), span)).toHaveLength(1)
  })

  it('finds who stayed ready by its own word until its exit, or for longer than 3 s', () => {
    const still = seen(
      pod(2_000, 'gateway-a', 'deleted'),
      container(3_000, 'gateway-a', 'exited'),
      pod(3_001, 'gateway-a', 'unready'),
    )
    expect(judgeEnds(still, span)).toEqual([expect.objectContaining({ rule: 'ready-while-ending' })])
    const slow = seen(
      pod(2_000, 'gateway-a', 'deleted'),
      pod(5_100, 'gateway-a', 'unready'),
      container(6_000, 'gateway-a', 'exited'),
    )
    expect(judgeEnds(slow, span)).toHaveLength(1)
    expect(judgeEnds(slow, span, 200)).toEqual([])
  })

  it('finds who had to be killed, and who ended with an error', () => {
    const head = [pod(2_000, 'gateway-a', 'deleted'), pod(2_500, 'gateway-a', 'unready')]
    const killed = seen(
      ...head,
      container(9_000, 'gateway-a', 'killed'),
      container(9_001, 'gateway-a', 'exited', 'SIGKILL'),
    )
    expect(judgeEnds(killed, span)).toEqual([{ rule: 'had-to-be-killed', text: 'gateway-a' }])
    expect(judgeEnds(seen(...head, container(9_000, 'gateway-a', 'exited', '1')), span)).toEqual([
      { rule: 'bad-exit', text: 'gateway-a ended with 1' },
    ])
  })

  it('takes a refused connection for explained only when its pod has died, isn’t ready, or was asked to end long ago', () => {
    const found = (...events: ClusterEvent[]) => judgeConnects(seen(...events), span).length
    expect(found(container(2_000, 'gateway-a', 'exited', 'SIGKILL'), refused(2_200, 'gateway-a'))).toBe(0)
    expect(found(pod(2_000, 'gateway-a', 'unready'), refused(2_200, 'gateway-a'))).toBe(0)
    expect(found(pod(2_000, 'gateway-a', 'unready'), refused(2_200, 'gateway-b'))).toBe(1)
    expect(
      found(
        pod(2_000, 'gateway-a', 'unready'),
        pod(2_100, 'gateway-a', 'ready'),
        refused(2_200, 'gateway-a'),
      ),
    ).toBe(1)
    const deleted = pod(2_000, 'gateway-a', 'deleted')
    expect(found(deleted, pod(2_100, 'gateway-a', 'unready'), refused(2_200, 'gateway-a'))).toBe(1)
    expect(found(deleted, refused(4_000, 'gateway-a'))).toBe(0)
    expect(found(nobody(2_200))).toBe(1)
  })

  it('finds clients that were cut off instead of told to go elsewhere', () => {
    const left = (atMs: number, why: string) => ({
      atMs,
      kind: 'left' as const,
      subscriber: 's',
      channel: 'c',
      why,
    })
    expect(judgeGoodbyes([left(2_000, 'closed 3001'), left(2_000, '2500')], span)).toEqual({
      found: [],
      goodbyes: 1,
    })
    expect(judgeGoodbyes([left(2_000, 'closed 1006')], span).found).toEqual([
      { rule: 'cut-off', text: 's was closed with 1006' },
    ])
    expect(judgeGoodbyes([left(500, 'closed 1006')], span).found).toEqual([])
    const call = {
      atMs: 2_000,
      kind: 'answer' as const,
      publisher: 'p',
      id: 'p/1',
      attempt: 1,
      outcome: 'unknown' as const,
    }
    expect(judgeGoodbyes([{ ...call, why: 'closed 3001' }], span)).toEqual({ found: [], goodbyes: 1 })
    expect(judgeGoodbyes([{ ...call, why: 'closed 1006' }], span).found).toEqual([
      { rule: 'cut-off', text: 'p was closed with 1006' },
    ])
  })

  it('says how long each took to lose its readiness, and who never did', () => {
    const losses = readinessLosses(seen(pod(3_000, 'gateway-a', 'unready')), span)
    expect([...losses]).toEqual([
      ['gateway-a', 2_000],
      ['gateway-b', undefined],
    ])
  })

  it('lists who ended', () => {
    expect(exitsOf(seen(container(2_000, 'gateway-a', 'exited', '1')), span)).toEqual([
      { pod: 'gateway-a', why: '1' },
    ])
    expect(exitsOf(seen(container(500, 'gateway-a', 'exited', '1')), span)).toEqual([])
  })
})
