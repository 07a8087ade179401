import { describe, expect, it } from '@jest/globals'
import { Module, type LoggerService } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FakeDriver } from '../../test/fake-driver.js'
import { resolveOptions } from '../natter.options.js'
import { ChannelController, NatterModule, OnDisconnect, OnUnsubscribe } from '../index.js'
import { TestMesh } from '../testing/index.js'

const heard: string[] = []

@ChannelController('chat')
class Attendance {
  @OnDisconnect({ scope: 'node' }) gone() {
    heard.push('gone')
  }
  @OnUnsubscribe(':room', { scope: 'node' }) left() {
    heard.push('left')
  }
  @OnDisconnect() anywhere() {}
}

/** What an app's start warns of. */
async function warnings(isHosted: boolean): Promise<string[]> {
  const said: string[] = []
  const quiet = (): void => {}
  const logger: LoggerService = { log: quiet, error: quiet, warn: (text: string) => void said.push(text) }
  const driver = Object.assign(new FakeDriver(), { isHosted })
  @Module({ imports: [NatterModule.forRoot({ app: 'chat', driver })], controllers: [Attendance] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false })
  await app.close()
  return said
}

describe("a handler with scope 'node'", () => {
  it('in an app that no gateway has loaded is warned of, once and by name: it hears nothing', async () => {
    expect(await warnings(false)).toEqual([
      expect.stringMatching(/^Attendance\.gone, Attendance\.left: scope 'node' hears only .*gateway\.apps/),
    ])
  })

  it('is what it should be in an app that a gateway has loaded', async () => {
    expect(await warnings(true)).toEqual([])
  })

  it('is heard in a test mesh, which is one gateway that has loaded all its apps', async () => {
    await using mesh = await TestMesh.create({
      imports: [NatterModule.forRoot({ app: 'chat' })],
      controllers: [Attendance],
    })
    heard.length = 0
    const ana = await mesh.connect({ user: 'ana' })
    await ana.disconnect()
    await mesh.advance('1s')
    expect(heard).toEqual(['gone'])
  })
})

describe('the gateway that loads an app', () => {
  it('is known to it by NATTER_HOST_NODE; without that it runs by itself', () => {
    const before = process.env['NATTER_HOST_NODE']
    try {
      delete process.env['NATTER_HOST_NODE']
      expect(resolveOptions({ app: 'chat' }).node).toBeUndefined()
      process.env['NATTER_HOST_NODE'] = 'gateway-1'
      expect(resolveOptions({ app: 'chat' }).node).toBe('gateway-1')
    } finally {
      if (before === undefined) delete process.env['NATTER_HOST_NODE']
      else process.env['NATTER_HOST_NODE'] = before
    }
  })
})
