import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { UnavailableError } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import { CommandError } from '../connection/command-error.js'
import { Everywhere, PartError } from './everywhere.js'
import { SilentPeersError } from './refusal.js'
import type { UserRequest } from './user-requests.js'

const request: UserRequest = { kind: 'disconnect', user: 'ana', code: 4501, reason: 'x' }

function startMesh() {
  const clock = new ManualClock(0)
  const mesh = new MemoryMesh()
  const names = ['a', 'b', 'c']
  const node = (name: string, doHere: () => Promise<number>): Everywhere => {
    const broker = new MemoryBroker(mesh, clock)
    const peers = { nodes: new Set(names.filter((other) => other !== name)) }
    const one = new Everywhere(broker, peers, doHere, { node: name, timeoutMs: 2_500 })
    one.start()
    return one
  }
  return { clock, mesh, node }
}

describe('what is done on all gateways', () => {
  it('is done once on each, the one that was asked too, and answered with all that it concerned (W1)', async () => {
    const { node } = startMesh()
    const done: string[] = []
    const does = (name: string, count: number) => () => {
      done.push(name)
      return Promise.resolve(count)
    }
    const a = node('a', does('a', 1))
    node('b', does('b', 2))
    node('c', does('c', 4))
    expect(await a.run(request)).toBe(7)
    expect(done.toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('is not said to be done when one does not answer in time, and that one is named (W1)', async () => {
    const { clock, node } = startMesh()
    const a = node('a', () => Promise.resolve(1))
    node('b', () => new Promise(() => {}))
    node('c', () => Promise.resolve(1))
    const outcome = a.run(request).catch((error: unknown) => error)
    await clock.advanceAsync(2_500)
    expect(await outcome).toEqual(new SilentPeersError('No answer from b in time'))
  })

  it('tells the worst of what went wrong, when all have tried (W2)', async () => {
    const { node } = startMesh()
    const tried: string[] = []
    const fails = (name: string, error: Error) => () => {
      tried.push(name)
      return Promise.reject(error)
    }
    const a = node('a', fails('a', new UnavailableError('too-late', 'Try again')))
    node('b', fails('b', new CommandError(Errors.limitExceeded)))
    node('c', () => Promise.resolve(1))
    const outcome = await a.run(request).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(PartError)
    expect(outcome).toMatchObject({ error: { code: 106, outcome: 'refused' } })
    expect(tried.toSorted()).toEqual(['a', 'b'])
  })
})
