import { describe, expect, it } from '@jest/globals'
import { parseChannelName } from '@natter/protocol'
import { z } from 'zod'
import { namespaceSchema } from './namespace.options.js'
import { resolveNamespace, type Namespace } from './namespace.js'
import {
  canAskHistory,
  canAskPresence,
  canAskPublish,
  canAskSubscribe,
  grantFeatures,
  mayHistory,
  mayPresence,
  mayPublish,
  maySubscribe,
  type Question,
} from './permissions.js'

const schema = namespaceSchema({ duration: z.number() })
const namespaceOf = (options: object): Namespace => resolveNamespace('', schema.parse(options))

const verbs = { subscribe: maySubscribe, publish: mayPublish, presence: mayPresence, history: mayHistory }
type Verb = keyof typeof verbs
const verbNames = Object.keys(verbs) as Verb[]

const subjects = {
  user: { user: 'u', isSubscribed: false },
  subscriber: { user: 'u', isSubscribed: true },
  anonymous: { user: '', isSubscribed: false },
  anonymousSubscriber: { user: '', isSubscribed: true },
}
type Subject = keyof typeof subjects
const subjectNames = Object.keys(subjects) as Subject[]

/** Presence and history on, everything else off. */
const features = { keep: 'stream', presence: true }

function ask(
  verb: Verb,
  options: object | undefined,
  subject: Subject,
  extra: Partial<Question> = {},
): number {
  const namespace = options && namespaceOf(options)
  const channel = parseChannelName('room')
  const answer = verbs[verb]({ namespace, channel, insecure: false, ...subjects[subject], ...extra })
  return answer === 'ok' ? 0 : answer.code
}

const everyCase = verbNames.flatMap((verb) => subjectNames.map((subject) => [verb, subject] as const))

describe('the permission chain', () => {
  it.each(everyCase)('[13.3] %s by %s: denied where no rule says yes', (verb, subject) => {
    expect(ask(verb, features, subject)).toBe(103)
  })

  it.each(everyCase)('[13.3] %s by %s: a rule for another verb changes nothing', (verb, subject) => {
    const others = verbNames.filter((name) => name !== verb)
    const rules = others.flatMap((name) => [
      [`allow_${name}_for_client`, true],
      [`allow_${name}_for_anonymous`, true],
    ])
    expect(ask(verb, { ...features, ...Object.fromEntries(rules) }, subject)).toBe(103)
  })

  const rules: [rule: string, allowed: Subject[]][] = [
    ['client', ['user', 'subscriber']],
    ['client anonymous', ['user', 'subscriber', 'anonymous', 'anonymousSubscriber']],
    ['anonymous', []],
    ['subscriber', ['subscriber']],
    ['subscriber anonymous', ['subscriber', 'anonymousSubscriber']],
  ]
  const cases = rules.flatMap(([rule, allowed]) =>
    everyCase
      .filter(([verb]) => verb !== 'subscribe' || !rule.includes('subscriber'))
      .map(([verb, subject]) => [verb, rule, subject, allowed.includes(subject) ? 0 : 103] as const),
  )

  it.each(cases)('[13.3] %s with allow for %s, by %s: %i', (verb, rule, subject, expected) => {
    const options = Object.fromEntries(rule.split(' ').map((who) => [`allow_${verb}_for_${who}`, true]))
    expect(ask(verb, { ...features, ...options }, subject)).toBe(expected)
  })

  it.each(everyCase)('[13.3] %s by %s: insecure lets everybody do everything', (verb, subject) => {
    expect(ask(verb, features, subject, { insecure: true })).toBe(0)
  })

  it.each(everyCase)('[7.2] %s by %s: an unknown namespace is 102, also when insecure', (verb, subject) => {
    expect(ask(verb, undefined, subject, { insecure: true })).toBe(102)
  })

  it.each(['presence', 'history'] as const)('[13.3] %s that is off is 108, also when insecure', (verb) => {
    const options = { allow_presence_for_client: true, allow_history_for_client: true }
    expect(ask(verb, options, 'user', { insecure: true })).toBe(108)
  })

  it.each(verbNames)('[13.1] %s: a name beyond ASCII is 107 without a channel_regex', (verb) => {
    expect(ask(verb, features, 'user', { channel: parseChannelName('café'), insecure: true })).toBe(107)
  })

  it.each([
    ['chat:café', 0],
    ['chat:caf', 107],
    ['café', 0],
    ['chat:caf\u0000é', 107],
  ])('[13.1] the regex speaks about what follows the namespace: %j is %i', (name, expected) => {
    const options = { ...features, channel_regex: '^[^:]*é$' }
    expect(ask('subscribe', options, 'user', { channel: parseChannelName(name), insecure: true })).toBe(
      expected,
    )
  })

  it.each(everyCase)(
    '[13.3] %s by %s: a capability of this verb is enough, one of others is not',
    (verb, subject) => {
      const others = verbNames.filter((name) => name !== verb)
      const given = (allow: Verb[]) => ({ capabilities: [{ channels: ['ro*'], allow }] })
      expect(ask(verb, features, subject, given([verb]))).toBe(0)
      expect(ask(verb, features, subject, given(others))).toBe(103)
    },
  )

  it.each(['presence', 'history'] as const)(
    '[13.3] %s that is off is 108, whatever the capability',
    (verb) => {
      expect(ask(verb, {}, 'user', { capabilities: [{ channels: ['*'], allow: [verb] }] })).toBe(108)
    },
  )

  it.each([
    ['$room', '*', 103],
    ['$room', '$*', 0],
    ['chat:#ben', '*', 103],
    ['chat:#ben', 'chat:#ben', 0],
  ])('[13.3] subscribing to %j with a capability for %j: %i', (name, pattern, expected) => {
    const capabilities = [{ channels: [pattern], allow: ['subscribe' as const] }]
    const extra = { channel: parseChannelName(name), capabilities }
    expect(ask('subscribe', { allow_user_limited_channels: true }, 'user', extra)).toBe(expected)
  })

  it('[13.3] an app may be asked about what the name and the features allow, of private channels only with a token, and of user-limited ones never', () => {
    const askable = (name: string, options: object | undefined) => {
      const question = {
        user: 'u',
        isSubscribed: false,
        insecure: false,
        namespace: options && namespaceOf(options),
        channel: parseChannelName(name),
      }
      expect(canAskSubscribe({ ...question, hasToken: true })).toEqual(
        name === '$room' ? 'ok' : canAskSubscribe(question),
      )
      return [canAskSubscribe, canAskPublish, canAskPresence, canAskHistory].map((canAsk) => {
        const answer = canAsk(question)
        return typeof answer === 'string' ? answer : answer.code
      })
    }
    expect(askable('room', features)).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(askable('$room', features)).toEqual(['itself', 'ok', 'ok', 'ok'])
    expect(askable('room', {})).toEqual(['ok', 'ok', 108, 108])
    expect(askable('#u', { ...features, allow_user_limited_channels: true })).toEqual([
      'itself',
      'ok',
      'ok',
      'ok',
    ])
    expect(askable('café', features)).toEqual([107, 107, 107, 107])
    expect(askable('no:room', undefined)).toEqual([102, 102, 102, 102])
  })

  it('[7.2] a name that no namespace could allow is 107 before its namespace is looked for', () => {
    expect(ask('subscribe', undefined, 'user', { channel: parseChannelName('x'.repeat(256)) })).toBe(107)
  })
})

describe('[13.3] subscribing to', () => {
  const open = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true }
  const limited = { ...open, allow_user_limited_channels: true }

  it.each([
    ['a private channel without a token', open, '$room', 'u', 103],
    ['a private channel of a namespace', open, '$ns:room', 'u', 103],
    ['a $ that is not in front', open, 'ns:$room', 'u', 0],
    ['a user-limited channel, listed', { allow_user_limited_channels: true }, 'room#u,v', 'v', 0],
    [
      'a user-limited channel, not listed: never by allow_subscribe_for_client',
      limited,
      'room#u,v',
      'w',
      103,
    ],
    [
      'a user-limited channel with an empty list, anonymous: nobody is listed by having no id',
      limited,
      'room#',
      '',
      103,
    ],
    ['a user whose id is part of a listed one', limited, 'room#user', 'use', 103],
    ['a private user-limited channel, listed', limited, '$room#u', 'u', 103],
    ['a # where it has no meaning', open, 'room#u', 'w', 0],
  ])('%s', (_what, options, name, user, expected) => {
    expect(ask('subscribe', options, 'user', { user, channel: parseChannelName(name) })).toBe(expected)
  })

  it('a private channel stays closed when insecure: there is no token to show', () => {
    expect(ask('subscribe', open, 'user', { channel: parseChannelName('$a'), insecure: true })).toBe(103)
  })
})

describe('[13.4] features of a subscription', () => {
  const all = { positioned: true, recoverable: true, join_leave: true }
  const grant = (options: object, asked = {}) =>
    grantFeatures(
      {
        user: 'u',
        isSubscribed: false,
        insecure: false,
        channel: parseChannelName('room'),
        namespace: namespaceOf(options),
      },
      asked,
    )
  const none = { positioned: false, recoverable: false, pushesJoinLeave: false }
  const kept = { keep: 'stream', force_recovery: false }

  it.each([
    ['nothing without a rule, whatever is asked', { ...kept, presence: true, join_leave: true }, all, none],
    ['nothing where nothing is kept', { allow_history_for_client: true }, all, none],
    [
      'recovery is forced in durable namespaces, and brings positioning',
      { keep: 'stream' },
      {},
      { ...none, recoverable: true, positioned: true },
    ],
    ['forced positioning alone', { ...kept, force_positioning: true }, {}, { ...none, positioned: true }],
    ['allowed and not asked', { ...kept, allow_positioning: true, allow_recovery: true }, {}, none],
    ['allowed and asked', { ...kept, allow_positioning: true }, all, { ...none, positioned: true }],
    [
      'who may read the history may be positioned in it; a subscriber in spe counts as one',
      { ...kept, allow_history_for_subscriber: true },
      all,
      { ...none, positioned: true, recoverable: true },
    ],
    [
      'joins are pushed where that is forced',
      { join_leave: true, force_push_join_leave: true },
      {},
      { ...none, pushesJoinLeave: true },
    ],
    [
      'or asked for by who may read presence',
      { join_leave: true, presence: true, allow_presence_for_subscriber: true },
      all,
      { ...none, pushesJoinLeave: true },
    ],
    ['but not where none are emitted', { presence: true, allow_presence_for_client: true }, all, none],
  ])('%s', (_what, options, asked, expected) => {
    expect(grant(options, asked)).toEqual(expected)
  })
})
