import { describe, expect, it } from '@jest/globals'
import type { Caller, HookEvent, HookRequest } from '@natter/hooks'
import { createChannelGrammar, usualGrammar } from '@natter/protocol'
import { noHooks, type Hooks } from './hooks.js'
import { tellingRest } from './rest-of-channel.js'

const caller: Caller = { client: 'c', user: 'ana', node: 'n', headers: {}, ip: '::1' }

describe('what follows the namespace', () => {
  const seen: (HookRequest | HookEvent)[] = []
  const hooks: Hooks = {
    ...noHooks,
    ask: (request) => {
      seen.push(request)
      return Promise.resolve({} as never)
    },
    tell: (event) => seen.push(event),
  }

  it('is the app’s to find where the signs are the usual ones, whatever the length', () => {
    expect(tellingRest(hooks, usualGrammar)).toBe(hooks)
    expect(tellingRest(hooks, createChannelGrammar({ maxBytes: 64 }))).toBe(hooks)
  })

  it('is told with each question and event about a channel where they aren’t', async () => {
    const telling = tellingRest(hooks, createChannelGrammar({ privatePrefix: '!', namespaceBoundary: '/' }))
    await telling.ask({ kind: 'subscribe', caller, namespace: 'chat', channel: '!chat/a:b' })
    await telling.ask({ kind: 'connect', caller })
    telling.tell({ id: '1', atMs: 1, kind: 'occupied', namespace: '', channel: 'a:b' })
    expect(seen).toMatchObject([{ rest: 'a:b' }, { kind: 'connect' }, { rest: 'a:b' }])
    expect(seen[1]).not.toHaveProperty('rest')
  })
})
