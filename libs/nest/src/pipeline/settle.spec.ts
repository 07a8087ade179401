import { describe, expect, it } from '@jest/globals'
import { EMPTY, NEVER, Observable, of, throwError } from 'rxjs'
import { settle } from './settle.js'

function listening(mayBeEmpty = false) {
  const progress: unknown[] = []
  const controller = new AbortController()
  return {
    progress,
    controller,
    it: { signal: controller.signal, mayBeEmpty, progress: (value: unknown) => progress.push(value) },
  }
}

describe('a result', () => {
  it('is the value, the last value, or what a generator returns; what came before is progress', async () => {
    const { it: to, progress } = listening()
    expect(await settle(5, to)).toBe(5)
    expect(await settle(of(1, 2, 3), to)).toBe(3)
    async function* report() {
      yield 'a'
      yield 'b'
      return 'done'
    }
    expect(await settle(report(), to)).toBe('done')
    expect(await settle(of(report()), to)).toBe('done') // behind an interceptor
    expect(progress).toEqual([1, 2, 'a', 'b', 'a', 'b'])
  })

  it('is the error of its source, also after progress', async () => {
    const { it: to, progress } = listening()
    async function* report() {
      yield 1
      throw new Error('broken')
    }
    await expect(settle(report(), to)).rejects.toThrow('broken')
    await expect(
      settle(
        throwError(() => new Error('gone')),
        to,
      ),
    ).rejects.toThrow('gone')
    expect(progress).toEqual([1])
  })

  it('is an error where nothing was said and nothing would be a yes', async () => {
    await expect(settle(EMPTY, listening().it)).rejects.toThrow('without a value')
    expect(await settle(EMPTY, listening(true).it)).toBeUndefined()
  })
})

describe('when nobody waits any more', () => {
  it('a generator runs its finally, and an Observable is unsubscribed', async () => {
    const ended: string[] = []
    const first = listening()
    async function* ticks() {
      try {
        for (;;) yield 1
      } finally {
        ended.push('generator')
      }
    }
    const running = settle(ticks(), {
      ...first.it,
      progress: () => first.progress.push(1) === 3 && first.controller.abort(),
    })
    await expect(running).rejects.toMatchObject({ code: 100, temporary: true })

    const second = listening()
    const open = settle(new Observable(() => () => ended.push('observable')), second.it)
    second.controller.abort()
    await expect(open).rejects.toMatchObject({ code: 100 })
    expect(ended).toEqual(['generator', 'observable'])
  })

  it('a source is not even begun', async () => {
    const { it: to, controller } = listening()
    controller.abort()
    await expect(settle(NEVER, to)).rejects.toMatchObject({ code: 100 })
  })

  it('an error in progress ends the source', async () => {
    const { it: to } = listening()
    const ended: string[] = []
    const source = new Observable<number>((subscriber) => {
      subscriber.next(1)
      subscriber.next(2)
      return () => ended.push('source')
    })
    const fails = () => {
      throw new Error('no JSON')
    }
    await expect(settle(source, { ...to, progress: fails })).rejects.toThrow('no JSON')
    expect(ended).toEqual(['source'])
  })
})
