import { describe, expect, it } from '@jest/globals'
import { Module, type Type } from '@nestjs/common'
import {
  ChannelController,
  ConnectionController,
  NatterModule,
  OnConnect,
  OnRefresh,
  OnSubscribe,
} from '../index.js'
import { TestMesh } from './index.js'

const natter = NatterModule.forRoot({ app: 'app', nats: { url: 'nats://127.0.0.1:1' } }) // nothing is connected
@Module({})
class App {}
const module = (controllers: Type[]) => ({ module: App, imports: [natter], controllers })

describe('a test mesh, as the real one,', () => {
  it('lets nobody in, and subscribes nobody, whose time is over: 110', async () => {
    @ConnectionController()
    class Door {
      @OnConnect() connect() {
        return { user: 'ana', expiresAt: 1 }
      }
    }
    @ChannelController('chat')
    class Chat {
      @OnSubscribe(':room') subscribe() {
        return { expiresAt: 1 }
      }
    }
    await using mesh = await TestMesh.create({ imports: [module([Door, Chat])] })
    await expect(mesh.connect({ token: 't' })).rejects.toMatchObject({ code: 110 })
    const ana = await mesh.connect({ user: 'ana' })
    await expect(ana.subscribe('chat:1')).rejects.toMatchObject({ code: 110 })
  })

  it('ends no connection under the name of another user, and asks no more once a refresh named no end', async () => {
    let asked = 0
    let client = ''
    @ConnectionController()
    class Door {
      @OnConnect() connect(_: unknown, context: { client: string }) {
        client = context.client
        return { user: 'ana', expiresAt: mesh.now + 60_000 }
      }
      @OnRefresh() refresh() {
        asked += 1
        return {}
      }
    }
    await using mesh = await TestMesh.create({ imports: [module([Door])] })
    const ana = await mesh.connect({ token: 't' })
    await mesh.natter.disconnect('ben', { client })
    await mesh.advance('1h')
    expect(asked).toBe(1)
    await ana.disconnect()
  })
})
