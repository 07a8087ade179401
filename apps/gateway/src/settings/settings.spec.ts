import { NoTokens, type TokenVerifier } from '@natter/auth'
import { describe, expect, it } from '@jest/globals'
import type { GatewayOptions } from '../gateway.options.js'
import { derived, Settings, type GatewaySettings } from './settings.js'

/** A verifier that somebody waits for until `answer`, and when it was closed. */
function verifier(): { one: TokenVerifier; answer: () => void; isClosed: () => boolean } {
  let answer = (): void => {}
  let isClosed = false
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const one = Object.assign(new NoTokens(), {
    idle: () => answered,
    close: () => void (isClosed = true),
  })
  return { one, answer: () => answer(), isClosed: () => isClosed }
}

const settingsWith = (one: TokenVerifier): GatewaySettings => ({
  options: {} as GatewayOptions,
  namespaces: new Map(),
  verifier: one,
})

const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('settings that are replaced', () => {
  it('are others as a whole from then on, and the verifier before them ends when what it was asked is answered', async () => {
    const [before, after] = [verifier(), verifier()]
    const settings = new Settings(settingsWith(before.one))
    settings.replace(settingsWith(after.one))
    expect(settings.current.verifier).toBe(after.one)
    await aTurn()
    expect(before.isClosed()).toBe(false)
    before.answer()
    await aTurn()
    expect([before.isClosed(), after.isClosed()]).toEqual([true, false])
  })

  it('keep the verifier that stays as it is', async () => {
    const only = verifier()
    const settings = new Settings(settingsWith(only.one))
    settings.replace(settingsWith(only.one))
    only.answer()
    await aTurn()
    expect(only.isClosed()).toBe(false)
  })

  it('end with the gateway: who waits, in whichever verifier, is told; and what comes too late ends at once', () => {
    const [before, after, late] = [verifier(), verifier(), verifier()]
    const settings = new Settings(settingsWith(before.one))
    settings.replace(settingsWith(after.one))
    settings.close()
    settings.replace(settingsWith(late.one))
    expect([before, after, late].map((one) => one.isClosed())).toEqual([true, true, true])
  })
})

describe('what is made of a part of them', () => {
  it('is made anew only where the part is another one', () => {
    let part = ['a']
    const made: string[] = []
    const read = derived(
      () => part,
      (given) => {
        made.push(given.join())
        return given.length
      },
    )
    expect([read(), read()]).toEqual([1, 1])
    part = ['b', 'c']
    expect([read(), read()]).toEqual([2, 2])
    expect(made).toEqual(['a', 'b,c'])
  })

  it('is asked for again where it could not be made: else what was before would stand for the new part for good', () => {
    let part = 1
    const read = derived(
      () => part,
      (given) => {
        if (given === 2) throw new Error('cannot be made')
        return given
      },
    )
    part = 2
    expect(read).toThrow('cannot be made')
    expect(read).toThrow('cannot be made')
    part = 3
    expect(read()).toBe(3)
  })
})
