import { describe, expect, it } from '@jest/globals'
import { InvalidError, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import { clientError, RefusedError, words } from './client-errors.js'

describe('what the SDK rejects with', () => {
  it('has the words of the wire, each with its number: whoever adds a code adds its word', () => {
    const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    expect(words).toEqual(
      Object.fromEntries(Object.entries(Errors).map(([name, { code }]) => [code, kebab(name)])),
    )
  })

  it('is a refusal where the server said so, and says whether later may do', () => {
    expect(clientError({ code: 111, message: 'too many requests', temporary: true })).toMatchObject({
      code: 'too-many-requests',
      number: 111,
      isTemporary: true,
    })
    expect(clientError({ code: 1409, message: 'market closed' })).toMatchObject({
      code: 'app',
      number: 1409,
      message: 'market closed',
      isTemporary: false,
    })
    expect(clientError({ code: 2000, message: 'server unsubscribe' })).toMatchObject({ code: 'ended' })
  })

  it.each([1, 2, 10, 11])(
    'is an unknown outcome where nobody answered (%i): it may have been done',
    (code) => {
      expect(clientError({ code, message: 'x' })).toBeInstanceOf(UnknownOutcomeError)
    },
  )

  it.each([3, 4, 7, 12])('is certainly not done where it never left (%i)', (code) => {
    expect(clientError({ code, message: 'x' })).toBeInstanceOf(UnavailableError)
  })

  it('keeps what is an error already, and makes one of what is none', () => {
    const ours = new InvalidError('bad', 'x')
    expect(clientError(ours)).toBe(ours)
    expect(clientError(new RefusedError(103, 'no', false))).toBeInstanceOf(RefusedError)
    expect(clientError('gone')).toBeInstanceOf(Error)
  })
})
