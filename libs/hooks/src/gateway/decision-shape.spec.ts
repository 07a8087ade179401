import { describe, expect, it } from '@jest/globals'
import type { HookDecisions, HookKind } from '../hooks.js'
import { problemOf } from './decision-shape.js'

const whole: { [K in HookKind]: HookDecisions[K] } = {
  connect: {
    user: 'ana',
    infoJson: '{}',
    metaJson: '{}',
    dataJson: '1',
    expiresAtMs: 1,
    subscriptions: { 'chat:a': { grant: { publish: 'allow', forMs: 1, quota: 0 } } },
    capabilities: [
      { channels: ['chat:*'], allow: ['subscribe', 'publish', 'presence', 'history'] },
      { channels: ['chat:[a-z]+'], match: 'regex', allow: ['subscribe'] },
    ],
  },
  refresh: { expiresAtMs: 1, infoJson: '{}', metaJson: '{}', capabilities: [] },
  subscribe: {
    infoJson: '{}',
    dataJson: '{}',
    expiresAtMs: 0,
    grant: { publish: 'ask' },
    allow: ['publish', 'history'],
  },
  publish: { data: Buffer.from('1') },
  presence: {},
  history: {},
  rpc: { data: Buffer.from('1') },
}

describe('the shape of a decision', () => {
  it.each(Object.keys(whole) as HookKind[])('of %s is fine as the types have it', (kind) => {
    expect(problemOf(kind, whole[kind])).toBeUndefined()
    if (kind !== 'connect') expect(problemOf(kind, {})).toBeUndefined()
  })

  it('may carry what nobody here knows, because apps are updated before gateways', () => {
    expect(problemOf('subscribe', { newer: 'field' })).toBeUndefined()
  })

  it.each<[HookKind, unknown, string]>([
    ['connect', {}, 'user is not a text'],
    ['connect', { user: 7 }, 'user is not a text'],
    ['connect', { user: 'a', expiresAtMs: '1789' }, 'expiresAtMs'],
    ['connect', { user: 'a', subscriptions: ['chat:a'] }, 'subscriptions is not an object'],
    [
      'connect',
      { user: 'a', subscriptions: { 'chat:a': { expiresAtMs: Number.NaN } } },
      'chat:a expiresAtMs',
    ],
    ['connect', { user: 'a', capabilities: [{ channels: 'chat:*', allow: ['subscribe'] }] }, 'channels'],
    ['connect', { user: 'a', capabilities: [{ channels: [], allow: ['everything'] }] }, 'allow 0 is none of'],
    [
      'connect',
      { user: 'a', capabilities: [{ channels: ['('], match: 'regex', allow: [] }] },
      'capabilities has a regular expression',
    ],
    ['refresh', { capabilities: [{ channels: ['a'], match: 'glob', allow: [] }] }, 'match is none of'],
    ['subscribe', { allow: ['pub'] }, 'allow 0 is none of'],
    ['subscribe', { grant: { publish: 'yes' } }, 'grant publish'],
    ['subscribe', { grant: { publish: 'allow', forMs: '60000' } }, 'grant forMs'],
    ['subscribe', { grant: { publish: 'allow', quota: -1 } }, 'grant quota'],
    ['refresh', { expiresAtMs: null }, 'expiresAtMs'],
    ['publish', { data: 'text' }, 'data is not data'],
    ['history', [], 'is not an object'],
  ])('%s: %j is refused, because it would mean more than was said', (kind, decision, problem) => {
    expect(problemOf(kind, decision)).toContain(problem)
  })
})
