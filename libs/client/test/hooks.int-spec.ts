/** The hooks, in a React that mounts everything twice; the server's words are the test's. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type Client } from '@natter/client'
import {
  NatterProvider,
  useChannel,
  useConnectionState,
  usePresence,
  useRpc,
  type UsedChannel,
  type UsedRpc,
} from '@natter/client/react'
import type { PublicationContext, Subscription } from 'centrifuge'
import { createElement, Fragment, type ReactNode } from 'react'
import { act, testRoot, type TestRoot } from './react-root.js'

type AnyChannel = UsedChannel<unknown, unknown, unknown, unknown>
type AnyRpc = UsedRpc<readonly unknown[], unknown, unknown>

const at = (offset: number): PublicationContext => ({ channel: 'chat:a', offset, data: offset })

describe('the hooks', () => {
  let client: Client
  let root: TestRoot
  /** How often the SDK was told to subscribe. */
  let subscribed: string[]
  let shown: AnyChannel[]

  beforeEach(async () => {
    client = createClient({ url: 'http://127.0.0.1:1', isConnecting: false })
    client.sdk.ready = () => Promise.resolve() // as if it were connected
    subscribed = []
    shown = []
    const make = client.sdk.newSubscription.bind(client.sdk)
    client.sdk.newSubscription = (channel, options) => {
      subscribed.push(channel)
      return make(channel, options)
    }
    root = await testRoot()
  })

  afterEach(async () => {
    await root.unmount()
    client.close()
  })

  const subscription = (channel: string): Subscription => {
    const found = client.sdk.getSubscription(channel)
    if (found === null) throw new Error(`nobody is subscribed to ${channel}`)
    return found
  }
  const say = (what: 'publication' | 'subscribed', context: object, channel = 'chat:a'): Promise<void> =>
    act(async () => void subscription(channel).emit(what, context as never))
  const nowSubscribed = (recovered?: boolean): Promise<void> =>
    say('subscribed', {
      recoverable: true,
      wasRecovering: recovered !== undefined,
      recovered: recovered ?? false,
    })

  const within = (...children: ReactNode[]): ReactNode =>
    createElement(NatterProvider, { client }, ...children)

  function Room({
    name = 'chat:a',
    history = 0,
    on,
  }: {
    name?: string
    history?: number
    on?: (data: unknown) => void
  }) {
    const channel = useChannel(name, {
      history,
      subscription: { joinLeave: false },
      onPublication: ({ data }) => on?.(data),
    })
    shown.push(channel)
    return null
  }
  function Nothing() {
    shown.push(useChannel(undefined))
    return null
  }
  const texts = (): unknown[] => shown.at(-1)?.publications.map(({ data }) => data) ?? []

  it('subscribe once, however many components show a channel and however often React mounts them, and end with the last', async () => {
    const room = (key: string): ReactNode => createElement(Room, { key })
    await root.render(within(room('1'), room('2')))
    expect(subscribed).toEqual(['chat:a'])
    await root.render(within(room('2')))
    await root.render(within(room('3'))) // one goes and one comes in the same turn
    expect(subscribed).toEqual(['chat:a'])
    await root.render(within(createElement(Fragment)))
    expect(client.sdk.subscriptions()).toEqual({})
    await root.render(within(room('4')))
    expect(subscribed).toEqual(['chat:a', 'chat:a'])
  })

  it('show what is published, in new values only when something is new', async () => {
    const heard: unknown[] = []
    const page = (): ReactNode => within(createElement(Room, { on: (data) => heard.push(data) }))
    await root.render(page())
    await nowSubscribed()
    await say('publication', at(1))
    await say('publication', at(2))
    expect(texts()).toEqual([1, 2])
    expect(heard).toEqual([1, 2])
    const before = shown.at(-1)
    await root.render(page())
    expect(shown.at(-1)).toBe(before)
  })

  it('set nothing after the component has gone', async () => {
    await root.render(within(createElement(Room, {})))
    const held = client.channel('chat:a').listen({})
    await root.render(within())
    const draws = shown.length
    await say('publication', at(1))
    expect(shown.length).toBe(draws)
    held()
  })

  it('read history once, merge what comes meanwhile, and read it again after a gap', async () => {
    let kept = [1, 2, 3]
    let asked = 0
    let letGo: (() => void) | undefined
    client.sdk.history = async () => {
      asked += 1
      await new Promise<void>((resolve) => (letGo = resolve))
      return { publications: kept.map(at).toReversed(), offset: kept.at(-1) ?? 0, epoch: 'e' }
    }
    const answered = (): Promise<void> => act(async () => letGo?.())
    await root.render(within(createElement(Room, { history: 3 })))
    await nowSubscribed()
    await say('publication', at(4))
    await say('publication', at(3))
    await answered()
    expect(texts()).toEqual([1, 2, 3, 4])
    await nowSubscribed(true)
    expect(asked).toBe(1)
    kept = [17, 18, 19]
    await nowSubscribed(false)
    expect(shown.at(-1)?.gap).toEqual({ reason: 'not-recovered' })
    await say('publication', at(20))
    await answered()
    expect([texts(), shown.at(-1)?.gap]).toEqual([[17, 18, 19, 20], undefined])
  })

  it('keep the newest of what was published, and no more', async () => {
    await root.render(within(createElement(Room, {})))
    await nowSubscribed()
    await act(async () => {
      for (let n = 1; n <= 150; n += 1) subscription('chat:a').emit('publication', at(n))
    })
    expect([texts().length, texts()[0], texts().at(-1)]).toEqual([100, 51, 150])
  })

  it('go to another channel, and to none', async () => {
    await root.render(within(createElement(Room, { name: 'chat:a' })))
    await nowSubscribed()
    await say('publication', at(1))
    await root.render(within(createElement(Room, { name: 'chat:b' })))
    expect([Object.keys(client.sdk.subscriptions()), texts()]).toEqual([['chat:b'], []])
    await root.render(within(createElement(Nothing)))
    expect(shown.at(-1)?.state).toEqual({ kind: 'idle' })
  })

  it('say how the connection is, and who is here', async () => {
    const seen: string[] = []
    client.sdk.presence = () => Promise.resolve({ clients: { c1: { client: 'c1', user: 'ana' } } })
    function Head() {
      const presence = usePresence('chat:a')
      const members =
        presence.kind === 'known' ? presence.members.map(({ user }) => user).join() : presence.kind
      seen.push(`${useConnectionState().kind} ${members}`)
      return null
    }
    await root.render(within(createElement(Head)))
    await nowSubscribed()
    await act(() => new Promise((resolve) => setTimeout(resolve, 5))) // the first question is asked in a later turn
    await act(async () => client.close())
    expect(seen.filter((one, index) => seen[index - 1] !== one)).toEqual([
      'disconnected unknown',
      'disconnected ana',
      'closed ana',
    ])
  })

  it('call an rpc and show how far it is; of two calls the newer one counts', async () => {
    const answers: ((data: unknown) => void)[] = []
    const methods: string[] = []
    client.sdk.rpc = (method) => {
      methods.push(method)
      return new Promise((resolve) => answers.push((data) => resolve({ data })))
    }
    const runs: AnyRpc[] = []
    function Button() {
      runs.push(useRpc('report.build'))
      return null
    }
    await root.render(within(createElement(Button)))
    let older: Promise<unknown> | undefined
    await act(async () => void (older = runs.at(-1)?.call({ month: 1 })))
    await act(async () => void runs.at(-1)?.call({ month: 2 }))
    const call = methods[1]?.split('#')[1] ?? ''
    await act(async () => {
      client.sdk.emit('publication', { channel: '#ana', data: { percent: 50 }, tags: { call } })
    })
    expect(runs.at(-1)?.state).toEqual({ kind: 'running', progress: { percent: 50 } })
    await act(async () => answers[0]?.('older'))
    expect(await older).toBe('older')
    expect(runs.at(-1)?.state.kind).toBe('running')
    await act(async () => answers[1]?.('newer'))
    expect(runs.at(-1)?.state).toEqual({ kind: 'replied', reply: 'newer' })
    expect(new Set(runs.map((run) => run.call)).size).toBe(1)
  })
})
