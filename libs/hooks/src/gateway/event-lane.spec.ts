import { describe, expect, it } from '@jest/globals'
import { caller, memoryApps } from '../../test/apps.js'
import type { HookEvent } from '../hooks.js'

const gone = (id: string): HookEvent => ({ kind: 'disconnect', id, atMs: 1, caller, code: 3_000, reason: '' })

describe('the lane of events', () => {
  it('drops none that an instance has at work: it would be told as lost, and was heard (L2)', async () => {
    const mesh = memoryApps()
    const app = await mesh.app('a')
    let done = (): void => {}
    app.hear = () => new Promise((resolve) => (done = resolve))
    const { hooks } = await mesh.gateway({ maxWaitingEvents: 1 })
    const told = [hooks.tell(gone('1'))]
    await mesh.clock.advanceAsync(0)
    told.push(hooks.tell(gone('2')))
    await mesh.clock.advanceAsync(0)
    done()
    await mesh.clock.advanceAsync(0)
    expect(await Promise.all(told)).toEqual(['heard', 'dropped'])
    expect(app.heard.map(({ id }) => id)).toEqual(['1'])
  })
})
