import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { namespaceSchema } from './namespace.options.js'
import { resolveNamespace, type Namespace } from './namespace.js'
import { overrideNamespace } from './override.js'

const schema = namespaceSchema({ duration: z.number() })
const resolve = (options: object): Namespace => resolveNamespace('chat', schema.parse(options))

describe('[12.6] what a token says in place of the namespace', () => {
  it('changes what it names and nothing else', () => {
    const namespace = resolve({ keep: 'stream', presence: true, join_leave: true })
    const seen = overrideNamespace(namespace, {
      presence: false,
      forcePushJoinLeave: true,
      forcePositioning: true,
    })
    expect(seen).toEqual({
      ...namespace,
      hasPresence: false,
      forcePushJoinLeave: true,
      positioning: 'forced',
    })
    expect(overrideNamespace(namespace, undefined)).toBe(namespace)
  })

  it('no longer forces what the client may still ask for', () => {
    const asked = overrideNamespace(resolve({ keep: 'stream', allow_recovery: true }), {
      forceRecovery: false,
    })
    expect(asked.recovery).toBe('allowed')
    expect(overrideNamespace(resolve({ keep: 'stream' }), { forceRecovery: false }).recovery).toBe('off')
  })

  it('recovers nothing that isn’t kept', () => {
    const seen = overrideNamespace(resolve({}), { forceRecovery: true, forcePositioning: true })
    expect([seen.recovery, seen.positioning]).toEqual(['off', 'off'])
  })

  it('is one object for all who are told the same: subscriptions are many', () => {
    const namespace = resolve({})
    const once = overrideNamespace(namespace, { presence: true })
    expect(overrideNamespace(namespace, { presence: true })).toBe(once)
    expect(overrideNamespace(resolve({}), { presence: true })).not.toBe(once)
  })

  it('is another object for who is told otherwise: one user’s answer must not stand for all that come after', () => {
    const namespace = resolve({ presence: true })
    const without = overrideNamespace(namespace, { presence: false })
    expect(overrideNamespace(namespace, { presence: true }).hasPresence).toBe(true)
    expect(without.hasPresence).toBe(false)
  })
})
