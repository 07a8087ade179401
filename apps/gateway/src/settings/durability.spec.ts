import { namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { z } from 'zod'
import { Durability } from './durability.js'

const schema = namespaceSchema({ duration: z.number() })
type Keep = 'none' | 'stream' | 'archive'
const namespaces = (
  keeps: Readonly<Record<string, Keep>>,
  presence = false,
): ReadonlyMap<string, Namespace> =>
  new Map(
    Object.entries(keeps).map(([name, keep]) => [
      name,
      resolveNamespace(name, schema.parse({ keep, presence })),
    ]),
  )

describe('whether publications are kept', () => {
  it('stays: a namespace that is read with another answer stays as it is in effect, all of it', () => {
    const before = namespaces({ chat: 'none', room: 'stream' })
    const durability = new Durability(before)
    const { namespaces: held, waiting } = durability.hold(
      namespaces({ chat: 'stream', room: 'archive' }, true),
      before,
    )
    expect(waiting).toEqual(['chat'])
    expect(held.get('chat')).toBe(before.get('chat'))
    expect(held.get('room')).toMatchObject({ keep: 'archive', hasPresence: true })
  })

  it('stays also over an absence: channels of a namespace that is gone may be open still', () => {
    const before = namespaces({ chat: 'stream' })
    const durability = new Durability(before)
    const gone = durability.hold(namespaces({}), before)
    expect(gone).toEqual({ namespaces: new Map(), waiting: [] })
    const back = durability.hold(namespaces({ chat: 'none' }), gone.namespaces)
    expect(back).toEqual({ namespaces: new Map(), waiting: ['chat'] })
    expect(durability.hold(namespaces({ chat: 'archive' }), back.namespaces).waiting).toEqual([])
  })

  it('never changes for any name, after any configurations', () => {
    const names = fc.dictionary(
      fc.constantFrom('', 'aa', 'bb', 'cc'),
      fc.constantFrom<Keep>('none', 'stream', 'archive'),
    )
    fc.assert(
      fc.property(fc.array(names, { minLength: 2, maxLength: 8 }), ([first = {}, ...later]) => {
        let present = namespaces(first)
        const durability = new Durability(present)
        const known = new Map<string, boolean>()
        const look = (): void => {
          for (const [name, { isDurable }] of present) {
            expect(known.get(name) ?? isDurable).toBe(isDurable)
            known.set(name, isDurable)
          }
        }
        look()
        for (const one of later) {
          present = durability.hold(namespaces(one), present).namespaces
          durability.remember(present)
          look()
        }
      }),
    )
  })
})
