import { describe, expect, it } from '@jest/globals'
import {
  AppInstance,
  ClientError,
  type AnswerTable,
  type HookEvent,
  type HookKind,
  type HookReply,
  type HookRequest,
} from '@natter/hooks'
import { natsBench } from './bench.js'
import { runningGateway } from './gateway-process.js'
import { RawClient } from './harness.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const table: AnswerTable = {
  connection: ['connect'],
  namespaces: { room: ['subscribe', 'publish'] },
  rpc: { echo: { idempotent: true } },
  events: [{ kind: 'disconnect', scope: 'group' }],
}

/** Of any kind: what comes out fits what went in. */
async function decide(request: HookRequest): Promise<HookReply> {
  switch (request.kind) {
    case 'subscribe':
      if (request.channel === 'room:b') throw new ClientError(403, 'not there')
      return { decision: {} }
    case 'connect':
      return { decision: { user: 'ana', subscriptions: { 'hello:a': {} } } }
    case 'publish':
      return { decision: { data: bytes('"said by an app"') } }
    case 'rpc':
      return { decision: request.data === undefined ? {} : { data: request.data } }
    default:
      return { decision: {} }
  }
}

describe('a gateway process and an app on the same NATS', () => {
  const bench = natsBench()

  it('the app is asked for all that it answers, hears who left, and while it is away nothing of that is allowed', async () => {
    const told: HookEvent[] = []
    let hear = (): void => {}
    const broker = await bench.open()
    const app = new AppInstance({ broker, app: 'door' })
    const gateway = await runningGateway(bench, { env: { NATTER_CLIENT_CONNECT_BY_APP: 'true' } })
    const early = await bench.keep(RawClient.open(gateway.url))
    expect((await early.call('connect', {}))['error']).toMatchObject({ code: 100, temporary: true })

    await app.start({
      table,
      answer: <K extends HookKind>(request: Extract<HookRequest, { kind: K }>) =>
        decide(request) as Promise<HookReply<K>>,
      hear: (event) => {
        told.push(event)
        hear()
        return Promise.resolve()
      },
    })
    const { client, reply } = await letIn(gateway.url)
    expect(Object.keys(reply.subs)).toEqual(['hello:a'])
    expect((await client.call('subscribe', { channel: 'room:b' }))['error']).toEqual({
      code: 403,
      message: 'not there',
    })
    await client.call('subscribe', { channel: 'room:a' })
    await client.call('publish', { channel: 'room:a', data: 1 })
    await client.until(() => client.publications('room:a').length === 1, 'the publication')
    expect(client.publications('room:a')[0]).toMatchObject({ data: 'said by an app', info: { user: 'ana' } })
    expect((await client.call('rpc', { method: 'echo', data: [1] }))['rpc']).toEqual({ data: [1] })
    expect(await gateway.metric('natter_gateway_hooks_total{kind="connect",outcome="decided"')).toBe(1)
    expect(await gateway.metric('natter_gateway_app_instances{app="door",state="there"')).toBe(1)

    const second = (await letIn(gateway.url)).client
    second.end()
    while (told.length === 0) await new Promise<void>((resolve) => (hear = resolve))
    expect(told).toMatchObject([{ kind: 'disconnect', caller: { user: 'ana' } }])

    await app.stop()
    for (const [method, request] of [
      ['publish', { channel: 'room:a', data: 2 }],
      ['subscribe', { channel: 'room:c' }],
      ['rpc', { method: 'echo' }],
    ] as const) {
      expect((await client.call(method, request))['error']).toMatchObject({ code: 100, temporary: true })
    }
    expect((await client.call('publish', { channel: 'hello:a', data: 3 }))['publish']).toEqual({})
  })

  /** The gateway knows of an app a moment after it started. */
  async function letIn(url: string) {
    for (;;) {
      const client = await bench.keep(RawClient.open(url))
      const { connect } = await client.call('connect', {})
      if (connect !== undefined) return { client, reply: connect }
      client.end()
    }
  }
})
