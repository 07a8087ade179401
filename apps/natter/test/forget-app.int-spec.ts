import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createNatsBroker } from '@natter/broker'
import { claimApp, HookCaller } from '@natter/hooks'
import { eventually, leakCheck, startNatsServer, type NatsServer } from '@natter/testing'
import { forgetAppOfMesh } from '../src/apps/forget-app.js'

describe('natter apps forget', () => {
  let nats: NatsServer
  let noLeaks: ReturnType<typeof leakCheck>

  beforeAll(async () => {
    noLeaks = leakCheck(2_000) // in a hook like its end: Jest's own timer counts on both sides
    nats = await startNatsServer()
  })
  afterAll(async () => {
    await nats.stop()
    await noLeaks()
  })

  it('lets gateways that run go on without an app that is gone for good, and says so when there is none', async () => {
    const broker = await createNatsBroker({ urls: [nats.url], prefix: 'forget', name: 'g1' })
    const table = { connection: [], namespaces: { chat: ['publish' as const] }, rpc: {}, events: [] }
    await claimApp(broker.registry, 'chat', table)
    const hooks = new HookCaller({ broker })
    await hooks.start()
    const env = { NATTER_NATS_URL: nats.url, NATTER_NATS_PREFIX: 'forget', NATTER_PORT: '8000' }
    try {
      expect(hooks.isDemanded('publish', 'chat')).toBe(true)
      expect(await forgetAppOfMesh('chat', env, 'nats://127.0.0.1:1')).toContain("App 'chat' is forgotten")
      await eventually(() => !hooks.isDemanded('publish', 'chat'))
      await expect(forgetAppOfMesh('chat', env, 'nats://127.0.0.1:1')).rejects.toThrow("no app 'chat'")
    } finally {
      hooks.stop()
      await broker.close()
    }
  })

  it('names the setting that is none', async () => {
    const env = { NATTER_NATS_URL: nats.url, NATTER_NATS_PREFIX: 'PG' }
    await expect(forgetAppOfMesh('chat', env, nats.url)).rejects.toThrow('nats.prefix')
  })
})
