/**
 * Every rule, subject, verb and sort of channel against a statement of 13.3 that is written here by itself: it knows of each sort of
 * channel what it is, and reads no name.
 */
import { describe, expect, it } from '@jest/globals'
import { createChannelGrammar, usualGrammar, type Capability, type CapableVerb } from '@natter/protocol'
import fc from 'fast-check'
import { z } from 'zod'
import { judgeSubscribe } from './judge.js'
import { namespaceSchema } from './namespace.options.js'
import { resolveNamespace } from './namespace.js'
import {
  canAskHistory,
  canAskPresence,
  canAskPublish,
  mayHistory,
  mayPresence,
  mayPublish,
  type Permission,
  type Question,
} from './permissions.js'

const schema = namespaceSchema({ duration: z.number() })

const verbs = ['subscribe', 'publish', 'presence', 'presence_stats', 'history'] as const
type Verb = (typeof verbs)[number]

const capable: Record<Verb, CapableVerb> = {
  subscribe: 'subscribe',
  publish: 'publish',
  presence: 'presence',
  presence_stats: 'presence',
  history: 'history',
}

/** What each sort of channel is, said by hand. */
interface Sort {
  name: string
  isUnknown?: true
  /** No namespace could have it; or one with a `channel_regex` alone, which this one has none of. */
  isBad?: 'anywhere' | 'here'
  isPrivate?: true
  /** Whom it names; that means something where `allow_user_limited_channels` is on. */
  lists?: readonly string[]
  /** Patterns that cover it, and one each that only would if stars opened what signs close. */
  covered: Pick<Capability, 'channels' | 'match'>[]
  uncovered: Pick<Capability, 'channels' | 'match'>[]
}

const sorts: Record<string, Sort> = {
  plain: {
    name: 'room',
    covered: [{ channels: ['room'] }, { channels: ['*'] }, { channels: ['r*m'], match: 'wildcard' }],
    uncovered: [
      { channels: ['*'], match: 'exact' },
      { channels: ['oom'], match: 'regex' },
    ],
  },
  namespaced: {
    name: 'chat:room',
    covered: [{ channels: ['chat:*'] }, { channels: ['chat:[a-z]+'], match: 'regex' }],
    uncovered: [{ channels: ['room', 'chat'] }, { channels: ['chat:[0-9]+'], match: 'regex' }],
  },
  private: {
    name: '$room',
    isPrivate: true,
    covered: [
      { channels: ['$room'], match: 'exact' },
      { channels: ['$*'], match: 'wildcard' },
    ],
    uncovered: [
      { channels: ['*'] },
      { channels: ['*'], match: 'wildcard' },
      { channels: ['.*'], match: 'regex' },
    ],
  },
  'private in a namespace': {
    name: '$chat:room',
    isPrivate: true,
    covered: [{ channels: ['$chat:*'] }, { channels: ['\\$chat:.*'], match: 'regex' }],
    uncovered: [{ channels: ['chat:*', '*'] }, { channels: ['[^:]*:.*'], match: 'regex' }],
  },
  'of users': {
    name: 'chat:a#ana,ben',
    lists: ['ana', 'ben'],
    covered: [{ channels: ['chat:a#*'] }, { channels: ['chat:*#*'], match: 'wildcard' }],
    uncovered: [
      { channels: ['chat:*', '*'] },
      { channels: ['*'], match: 'wildcard' },
      { channels: ['.*'], match: 'regex' },
    ],
  },
  'of nobody': {
    name: 'a#',
    lists: [''],
    covered: [{ channels: ['a#'] }],
    uncovered: [{ channels: ['a*'] }],
  },
  'private, of users': {
    name: '$chat:a#ana',
    isPrivate: true,
    lists: ['ana'],
    covered: [{ channels: ['$chat:a#ana'] }, { channels: ['$*#*'], match: 'wildcard' }],
    uncovered: [{ channels: ['$*'] }, { channels: ['*#*'], match: 'wildcard' }],
  },
  'of no namespace': {
    name: 'nope:room',
    isUnknown: true,
    covered: [{ channels: ['nope:room'] }],
    uncovered: [],
  },
  'with a name for other namespaces': {
    name: 'chat:é',
    isBad: 'here',
    covered: [{ channels: ['chat:*'] }],
    uncovered: [],
  },
  'with no name': {
    name: `chat:${'x'.repeat(255)}`,
    isBad: 'anywhere',
    covered: [{ channels: ['*'] }],
    uncovered: [],
  },
  'with no name, of no namespace': {
    name: 'nope:a\nb',
    isUnknown: true,
    isBad: 'anywhere',
    covered: [{ channels: ['*'] }],
    uncovered: [],
  },
}

const subjects = {
  user: 'ana',
  'another user': 'eve',
  anonymous: '',
} as const

const ruleNames = [
  'allow_subscribe_for_client',
  'allow_subscribe_for_anonymous',
  ...['publish', 'presence', 'history'].flatMap((verb) =>
    ['client', 'subscriber', 'anonymous'].map((who) => `allow_${verb}_for_${who}`),
  ),
  'allow_user_limited_channels',
  'insecure',
  'token',
  'token without keys',
  'app yes',
  'app no',
  'address yes',
  'address no',
  ...['subscribe', 'publish', 'presence', 'history'].flatMap((verb) => [
    `capability ${verb}`,
    `capability ${verb} that is too narrow`,
    `allow ${verb}`,
  ]),
]

interface Case {
  sort: Sort
  verb: Verb
  user: string
  isSubscribed: boolean
  hasFeatures: boolean
  rules: ReadonlySet<string>
}

/** 13.3, in words of its own: the code, 0 = yes. */
function expected({ sort, verb, user, isSubscribed, hasFeatures, rules }: Case): number {
  if (sort.isBad === 'anywhere') return 107
  if (sort.isUnknown) return 102
  if (sort.isBad === 'here') return 107
  const isRead = verb !== 'subscribe' && verb !== 'publish'
  if (isRead && !hasFeatures) return 108
  const about = capable[verb]
  const isNobody = user === ''
  const isGiven = rules.has(`capability ${about}`)
  const yes = (isYes: boolean): number => (isYes ? 0 : 103)
  if (verb === 'subscribe') {
    if (rules.has('token')) return 0
    if (sort.lists && rules.has('allow_user_limited_channels')) {
      if (sort.isPrivate) return yes(isGiven)
      return yes((!isNobody && sort.lists.includes(user)) || isGiven || rules.has('insecure'))
    }
    for (const who of ['app', 'address']) {
      if (sort.isPrivate && !rules.has('token without keys')) continue
      if (rules.has(`${who} no`)) return 103
      if (rules.has(`${who} yes`)) return 0
    }
    if (sort.isPrivate) return yes(isGiven)
    const isOpen = rules.has('allow_subscribe_for_client')
    const isOpenToAll = rules.has('allow_subscribe_for_anonymous')
    return yes((isOpen && (!isNobody || isOpenToAll)) || isGiven || rules.has('insecure'))
  }
  for (const who of verb === 'publish' ? ['app', 'address'] : ['app']) {
    if (rules.has(`${who} no`)) return 103
    if (rules.has(`${who} yes`)) return 0
  }
  if (rules.has('insecure') || isGiven) return 0
  if (isSubscribed && rules.has(`allow ${about}`)) return 0
  const isAmong =
    rules.has(`allow_${about}_for_client`) || (isSubscribed && rules.has(`allow_${about}_for_subscriber`))
  return yes(isAmong && (!isNobody || rules.has(`allow_${about}_for_anonymous`)))
}

const may = { publish: mayPublish, presence: mayPresence, presence_stats: mayPresence, history: mayHistory }
const canAsk = {
  publish: canAskPublish,
  presence: canAskPresence,
  presence_stats: canAskPresence,
  history: canAskHistory,
}

/** Schemas are slow: what follows from a set of rules is made once. */
const madeOf = (rules: ReadonlySet<string>) => {
  const present = made.get(rules) ?? make(rules)
  made.set(rules, present)
  return present
}
const made = new WeakMap<ReadonlySet<string>, ReturnType<typeof make>>()

function make(rules: ReadonlySet<string>) {
  const list = [...rules]
  const options = Object.fromEntries(
    list.filter((rule) => rule.startsWith('allow_')).map((key) => [key, true]),
  )
  const namespaceWith = (features: object) =>
    resolveNamespace('any', schema.parse({ ...options, ...features }))
  return {
    bare: namespaceWith({}),
    featured: namespaceWith({ keep: 'stream', presence: true }),
    allowed: list.flatMap((rule) => (rule.startsWith('allow ') ? [rule.slice(6) as CapableVerb] : [])),
    asked: (['app', 'address'] as const).find((who) => rules.has(`${who} no`) || rules.has(`${who} yes`)),
    capabilities: list.flatMap((rule) => {
      const [word, verb, ...rest] = rule.split(' ')
      return word === 'capability' ? [{ verb: verb as CapableVerb, isCovered: rest.length === 0 }] : []
    }),
  }
}

/** What the code says; `cover` chooses among the patterns that say the same. */
function said({ sort, verb, user, isSubscribed, hasFeatures, rules }: Case, cover: number): number {
  const { bare, featured, allowed, asked, capabilities } = madeOf(rules)
  const given = capabilities.flatMap(({ verb: about, isCovered }): Capability[] => {
    const from = isCovered ? sort.covered : sort.uncovered
    const pattern = from[cover % Math.max(1, from.length)]
    return pattern === undefined ? [] : [{ ...pattern, allow: [about] }]
  })
  const question: Question = {
    user,
    namespace: sort.isUnknown ? undefined : hasFeatures ? featured : bare,
    channel: usualGrammar.parse(sort.name),
    isSubscribed,
    insecure: rules.has('insecure'),
    capabilities: merged(given),
    allowed,
    hasToken: rules.has('token') || rules.has('token without keys'),
  }
  const word: Permission = rules.has(`${asked} no`) ? no : 'ok'
  if (verb === 'subscribe') {
    const { judge, permission } = judgeSubscribe(question, {
      canBelieve: rules.has('token'),
      isAsked: asked !== undefined,
    })
    return codeOf(permission === 'ok' && judge === 'app' ? word : permission)
  }
  const isAsked = asked === 'app' || (asked === 'address' && verb === 'publish')
  if (!isAsked) return codeOf(may[verb](question))
  const permission = canAsk[verb](question)
  return codeOf(permission === 'ok' ? word : permission)
}

const no = { code: 103, message: 'no' }
const codeOf = (permission: Permission): number => (permission === 'ok' ? 0 : permission.code)

/** Entries for the same channels are one: of several that cover a channel only the first counts. */
function merged(given: readonly Capability[]): Capability[] {
  const byPattern = new Map<string, Capability>()
  for (const one of given) {
    const key = JSON.stringify([one.channels, one.match])
    const before = byPattern.get(key)
    byPattern.set(key, before === undefined ? one : { ...one, allow: [...before.allow, ...one.allow] })
  }
  return [...byPattern.values()]
}

/** An app and an address never answer for the same. */
const isPossible = (rules: ReadonlySet<string>): boolean =>
  ['app yes', 'app no', 'address yes', 'address no'].filter((rule) => rules.has(rule)).length <= 1 &&
  !(rules.has('token') && rules.has('token without keys'))

function* everyCase(rules: ReadonlySet<string>): Generator<Case & { what: () => string }> {
  for (const [sortName, sort] of Object.entries(sorts))
    for (const [subject, user] of Object.entries(subjects))
      for (const isSubscribed of [false, true])
        for (const hasFeatures of [false, true])
          for (const verb of verbs) {
            const where = isSubscribed ? 'subscribed' : 'outside'
            const what = () =>
              [verb, sortName, subject, where, hasFeatures ? 'on' : 'off', ...rules].join(', ')
            yield { sort, verb, user, isSubscribed, hasFeatures, rules, what }
          }
}

function wrong(rules: ReadonlySet<string>, covers: readonly number[]): string[] {
  const found: string[] = []
  for (const one of everyCase(rules))
    for (const cover of covers)
      if (said(one, cover) !== expected(one))
        found.push(`${one.what()}: ${said(one, cover)}, and not ${expected(one)}`)
  return found
}

describe('the permission table', () => {
  it('[13.3] without a rule nobody may do anything anywhere', () => {
    const none = new Set<string>()
    const open = [...everyCase(none)].filter((one) => said(one, 0) === 0)
    expect(open.map(({ what }) => what())).toEqual([])
    expect(wrong(none, [0])).toEqual([])
  })

  it.each(ruleNames)('[13.3] %s opens what it says, to whom it says, and no more', (rule) => {
    expect(wrong(new Set([rule]), [0, 1, 2])).toEqual([])
  })

  it('[13.3] each rule beside each other one', () => {
    const pairs = ruleNames.flatMap((one, index) =>
      ruleNames.slice(index + 1).map((other) => new Set([one, other])),
    )
    const possible = pairs.filter((rules) => isPossible(rules))
    expect(possible.length).toBeGreaterThan(400)
    expect(possible.flatMap((rules, index) => wrong(rules, [index % 3])).slice(0, 10)).toEqual([])
  })

  it('[13.3] any rules together', () => {
    fc.assert(
      fc.property(fc.subarray(ruleNames), fc.nat(2), (rules, cover) => {
        const set = new Set(rules)
        if (!isPossible(set)) return
        expect(wrong(set, [cover])).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  it('[13.3] a rule for users opens nothing to the anonymous, in whatever company', () => {
    const forUsers = ruleNames.filter((rule) => /_for_(client|subscriber)$/.test(rule))
    const open = [...everyCase(new Set(forUsers))].filter((one) => one.user === '' && said(one, 0) === 0)
    expect(open.map(({ what }) => what())).toEqual([])
  })

  it('[13.1] and all that by other signs', () => {
    const grammar = createChannelGrammar({ privatePrefix: '!', namespaceBoundary: '/', userBoundary: '@' })
    const namespace = resolveNamespace(
      '',
      schema.parse({ allow_subscribe_for_client: true, allow_user_limited_channels: true }),
    )
    const code = (name: string): number => {
      const channel = grammar.parse(name)
      const question = { user: 'ana', namespace, channel, isSubscribed: false, insecure: false }
      return codeOf(judgeSubscribe(question, { canBelieve: false, isAsked: false }).permission)
    }
    const names = ['$chat:a', 'a#ben', '!chat/a', 'a@ben', 'a@ben,ana']
    expect(names.map((name) => code(name))).toEqual([0, 0, 103, 103, 0])
  })
})
