import { describe, expect, it } from '@jest/globals'
import { publish, memoryApps } from '../test/apps.js'
import { DisconnectError, refusalOf } from './refusals.js'

describe('a refusal', () => {
  it('that ends a connection has a reason, if an empty one: a gateway writes it into the close frame', () => {
    const said = refusalOf(new (DisconnectError as new (code: number) => DisconnectError)(4_000))
    expect(said).toEqual({ disconnect: { code: 4_000, reason: '' } })
  })

  it('has one also where the app that answered is of another make', async () => {
    const mesh = memoryApps()
    await mesh.app('one', { handle: () => ({ disconnect: { code: 4_000 } }) as never })
    const { hooks } = await mesh.gateway()
    await expect(hooks.ask(publish())).rejects.toMatchObject({ code: 4_000, reason: '' })
  })
})
