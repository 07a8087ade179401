import { describe, expect, it } from '@jest/globals'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createNatsBroker } from '@natter/broker'
import { startNatsServer } from '@natter/testing'
import { ConnectionController, NatterHealth, NatterModule, OnConnect } from '../src/index.js'

@ConnectionController()
class Door {
  @OnConnect() connect() {
    return { user: 'ann' }
  }
}

function starting(app: string, url: string) {
  const natter = NatterModule.forRoot({ app, nats: { url, prefix: 'nest' } })
  @Module({ imports: [natter], controllers: [Door] })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false })
}

describe('an application with nothing but the address of NATS', () => {
  it('is in the mesh, and keeps another app from answering what it answers', async () => {
    const nats = await startNatsServer()
    const node = await createNatsBroker({ urls: [nats.url], prefix: 'nest', name: 'gateway' })
    await node.registry.get('apps') // as gateways do: the mesh is whole
    const app = await starting('one', nats.url)
    try {
      expect(app.get(NatterHealth).check().natter).toMatchObject({ status: 'up', isConnected: true })
      await expect(starting('two', nats.url)).rejects.toMatchObject({ code: 'handler-taken' })
    } finally {
      await app.close()
      await node.close()
      await nats.stop()
    }
    expect(app.get(NatterHealth).check().natter).toMatchObject({ status: 'down', mesh: 'down' })
  })
})
