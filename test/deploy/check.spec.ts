import { describe, expect, it } from '@jest/globals'
import { check, type Rule } from './check.js'
import type { Called, Evidence, Published } from './evidence.js'

const clients = ['g1-0', 'g2-0']
const channel = 'deploy:0'

const called = (client: string, by: string): Called => ({
  client,
  outcome: 'answered',
  sends: 1,
  tookMs: 10,
  by,
})

const published = (client: string, n: number): Published => ({ ...called(client, 'app-1'), channel, n })

/** Two sockets in one channel, two instances, the second in the first one's place; the repeat of n = 0 is send 3. */
function goodRun(): Evidence {
  return {
    sockets: 2,
    dropped: [],
    rpcs: [called('g1-0', 'app-1'), { ...called('g2-0', 'app-2'), sends: 2 }],
    published: [published('g1-0', 1), published('g1-0', 2), { ...published('g1-0', 0), sends: 2 }],
    stored: [
      { channel, client: 'g1-0', n: 1, send: 2, by: 'app-1' },
      { channel, client: 'g1-0', n: 0, send: 3, by: 'app-2' },
      { channel, client: 'g1-0', n: 2, send: 4, by: 'app-2' },
    ],
    heard: clients.map((client) => ({ client, channel, publications: 3, disordered: 0 })),
    replaced: [{ instance: 'app-1', signal: 'SIGTERM', code: 0 }],
    instances: ['app-1', 'app-2'],
  }
}

const damages: [what: string, rule: Rule, damage: (run: Evidence) => void][] = [
  ['a socket that ended', 'dropped', (run) => run.dropped.push({ client: 'g1-0', why: 'closed' })],
  [
    'an rpc that was never answered, however often it was sent',
    'rpc without an answer',
    (run) => run.rpcs.push({ client: 'g1-0', outcome: 'unanswered', sends: 7, tookMs: 30_000 }),
  ],
  [
    'an rpc that was refused for good',
    'rpc without an answer',
    (run) => run.rpcs.push({ client: 'g1-0', outcome: 'refused', why: 'error 104', sends: 1, tookMs: 1 }),
  ],
  [
    'the answer of another call',
    'rpc without an answer',
    (run) => run.rpcs.push({ client: 'g1-0', outcome: 'wrong', sends: 1, tookMs: 1 }),
  ],
  [
    'a publication that was never acknowledged',
    'publication without an answer',
    (run) =>
      run.published.push({ client: 'g1-0', outcome: 'unanswered', sends: 7, tookMs: 30_000, channel, n: 3 }),
  ],
  ['an acknowledged publication that is not there', 'not stored once', (run) => run.stored.pop()],
  [
    'a publication that is there twice',
    'not stored once',
    (run) => run.stored.push({ channel, client: 'g1-0', n: 0, send: 9, by: 'app-2' }),
  ],
  [
    'a publication that nobody made',
    'not stored once',
    (run) => run.stored.push({ channel, client: 'g2-0', n: 0, send: 1, by: 'app-2' }),
  ],
  [
    'a later send that stands before an earlier one',
    'stored out of order',
    (run) => (run.stored = run.stored.toReversed()),
  ],
  [
    'a publication that no instance let through',
    'stored unasked',
    (run) => run.stored.splice(2, 1, { channel, client: 'g1-0', n: 2, send: 4, by: undefined }),
  ],
  [
    'a socket that missed a publication',
    'not heard once',
    (run) => run.heard.splice(0, 1, { client: 'g1-0', channel, publications: 2, disordered: 0 }),
  ],
  [
    'a socket that heard an earlier one later',
    'not heard once',
    (run) => run.heard.splice(0, 1, { client: 'g1-0', channel, publications: 3, disordered: 1 }),
  ],
  [
    'an instance that did not end by itself when it was asked to',
    'did not end in order',
    (run) => run.replaced.splice(0, 1, { instance: 'app-1', signal: 'SIGTERM', code: 1 }),
  ],
  ['sockets that are not in the count', 'shows nothing', (run) => run.heard.pop()],
  ['a run without calls', 'shows nothing', (run) => (run.rpcs = [])],
  ['a run in which nothing was replaced', 'shows nothing', (run) => (run.replaced = [])],
  ['an instance that was never asked', 'shows nothing', (run) => run.instances.push('app-3')],
]

describe('the judge of a deploy', () => {
  it('finds nothing in a run that held what was promised, repeats and kills included', () => {
    const run = goodRun()
    run.replaced.push({ instance: 'app-2', signal: 'SIGKILL', code: null })
    expect(check(run)).toEqual([])
  })

  it.each(damages)('finds %s', (_, rule, damage) => {
    const run = goodRun()
    damage(run)
    expect(check(run).map((violation) => violation.rule)).toContain(rule)
  })
})
