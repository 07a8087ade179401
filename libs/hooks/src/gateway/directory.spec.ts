import { describe, expect, it } from '@jest/globals'
import { chatTable, hanging, memoryApps, namesIn, publish, rpc } from '../../test/apps.js'
import { encodeBeat } from '../app-wire.js'
import { hashOf } from '../apps-record.js'

const code = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: unknown) => (error as { code?: unknown }).code)

describe('the directory of instances', () => {
  it('counts no timeout of a hook during which the gateway was away from NATS: the answer may be lost on its way (E2)', async () => {
    const mesh = memoryApps()
    await mesh.app('a', { handle: hanging })
    const { hooks, seen, broker } = await mesh.gateway()
    const asked = [code(hooks.ask(rpc())), code(hooks.ask(rpc()))]
    await mesh.clock.advanceAsync(1_000)
    broker.disconnect()
    broker.reconnect()
    await hooks.resume()
    await mesh.clock.advanceAsync(2_000) // it is back when their time is over
    expect(await Promise.all(asked)).toEqual([100, 100])
    expect([namesIn(seen, 'app:left-out'), hooks.instances.some(({ isOut }) => isOut)]).toEqual([[], false])
  })

  it('forgets nobody for the goodbye of another life: a restart under the same name may be heard before it (E4)', async () => {
    const mesh = memoryApps()
    await mesh.app('a')
    const { hooks, seen, broker } = await mesh.gateway()
    const beat = { app: 'chat', instance: 'a', hash: hashOf(chatTable), pending: 0, isDraining: true }
    broker.bus.publish(
      mesh.mesh.subjects.appBeat,
      encodeBeat({ kind: 'goodbye', life: 'the last one', ...beat }),
    )
    await mesh.clock.advanceAsync(0)
    expect(namesIn(seen, 'app:down')).toEqual([])
    await hooks.ask(rpc())
  })
})

describe('a gateway that comes back to NATS', () => {
  it('knows what was claimed meanwhile when `resume` is over: nothing may be let in before (D1)', async () => {
    const mesh = memoryApps()
    const { hooks, broker } = await mesh.gateway()
    broker.disconnect()
    await mesh.app('a')
    broker.reconnect()
    await hooks.resume()
    expect([hooks.isDemanded('publish', 'chat'), hooks.demandsConnection('connect')]).toEqual([true, true])
    await mesh.clock.advanceAsync(0)
    await hooks.ask(publish())
  })
})
