/**
 * What the rules of the wire are tried on: one real NATS and one mesh for all tests of a file, and for each test gateways of its own,
 * with clients that speak by hand. All that a test started ends with it, clients first. What is published stays for the next test:
 * who reads back takes a channel of its own.
 */
import { afterAll, afterEach, beforeAll } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { leakCheck, startNatsServer, type NatsServer } from '@natter/testing'
import { SignJWT } from 'jose'
import type { Dialect } from './dialect.js'
import { RawClient, startNode, type NodeOverrides, type TestNode } from './harness.js'

export const secret = 'a secret of the tests of the wire'

/** Signed with `secret`. */
export const tokenOf = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

export interface WireBench {
  start(overrides?: NodeOverrides): Promise<TestNode>
  /** Not connected yet. */
  open(node: TestNode): Promise<RawClient>
  connect(node: TestNode, request?: object): Promise<RawClient>
  /** What an app asks of the gateways of the test; one for the file, so that it hears each of them begin. */
  api(): Promise<ApiClient>
  /** Called when the test is through, before what it started earlier ends; may return a promise. */
  atEnd(end: () => unknown): void
}

/** @param dialect What its clients speak. */
export function wireBench(dialect: Dialect): WireBench {
  const ends: (() => unknown)[] = []
  let nats: NatsServer
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let app: Promise<{ api: ApiClient; broker: Broker }> | undefined

  beforeAll(async () => {
    expectNoLeaks = leakCheck()
    nats = await startNatsServer()
  })
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end()
  })
  afterAll(async () => {
    const started = await app
    started?.api.stop()
    await started?.broker.close()
    await nats.stop()
    await expectNoLeaks()
  })

  const broker = (name: string): Promise<Broker> =>
    createNatsBroker({ urls: [nats.url], prefix: 'natter', name })
  const startApp = async (): Promise<{ api: ApiClient; broker: Broker }> => {
    const own = await broker('app')
    const api = new ApiClient({ broker: own })
    api.start()
    return { api, broker: own }
  }
  const open = async ({ url }: TestNode): Promise<RawClient> => {
    const client = await RawClient.open(url, { dialect })
    ends.push(() => client.end())
    return client
  }

  return {
    open,
    atEnd(end) {
      ends.push(end)
    },
    async start(overrides) {
      const node = await startNode(await broker('gateway'), overrides)
      ends.push(() => node.stop())
      return node
    },
    async connect(node, request = {}) {
      const client = await open(node)
      await client.call('connect', request)
      return client
    },
    api() {
      app ??= startApp()
      return app.then((started) => started.api)
    },
  }
}
