import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { emptyTable } from '../../test/apps.js'
import {
  newInstance,
  noteAnswer,
  noteAsked,
  noteProbe,
  noteTimeout,
  pick,
  type Instance,
} from './instances.js'

const nowMs = 1_000_000

function instance(name: string, load: { inFlight?: number; pending?: number } = {}): Instance {
  const beat = { kind: 'beat', app: 'chat', instance: name, life: 'l', hash: 'h', isDraining: false } as const
  const made = newInstance({ ...beat, pending: load.pending ?? 0 }, nowMs)
  made.table = emptyTable
  made.inFlight = load.inFlight ?? 0
  return made
}

const leaveOut = (one: Instance): void => {
  noteTimeout(one, nowMs)
  noteTimeout(one, nowMs)
}

const loads = fc.array(fc.record({ inFlight: fc.nat(3), pending: fc.nat(3) }), { minLength: 1, maxLength: 6 })
const chance = fc.double({ min: 0, max: 0.999_999, noNaN: true })

describe('which instance is asked', () => {
  it('has the fewest own requests in flight, and of those announced the least: nobody waits behind another', () => {
    fc.assert(
      fc.property(loads, chance, (all, random) => {
        const instances = all.map((load, i) => instance(`i${i}`, load))
        const picked = pick(instances, { mayTry: true, nowMs, random: () => random })?.instance
        const rank = ({ inFlight, pending }: { inFlight: number; pending: number }): number =>
          inFlight * 10 + pending
        expect(picked === undefined ? -1 : rank(picked)).toBe(Math.min(...all.map((load) => rank(load))))
      }),
    )
  })

  it('is any of those that are equally busy: ties go to all of them', () => {
    const instances = ['a', 'b', 'c'].map((name) => instance(name))
    const names = [0, 0.4, 0.9].map(
      (at) => pick(instances, { mayTry: false, nowMs, random: () => at })?.instance.name,
    )
    expect(names).toEqual(['a', 'b', 'c'])
  })

  it('is never one that is leaving, or whose answers are not known', () => {
    const [leaving, unknown] = [instance('leaving'), instance('unknown')]
    leaving.isDraining = true
    unknown.table = undefined
    expect(pick([leaving, unknown], { mayTry: true, nowMs, random: () => 0 })).toBeUndefined()
  })

  it('is never one that is out and silent to probes, also when nobody else is there (I2)', () => {
    const silent = instance('silent')
    leaveOut(silent)
    expect(pick([silent], { mayTry: true, nowMs, random: () => 0 })).toBeUndefined()
  })

  it('is one that is out but answers probes when no other is there: better asked than refused (I2)', () => {
    const shaky = instance('shaky')
    leaveOut(shaky)
    noteProbe(shaky, 2, nowMs)
    expect(pick([shaky], { mayTry: false, nowMs, random: () => 0 })).toEqual({
      instance: shaky,
      isTrial: false,
    })
  })

  it('is one that is out for a single harmless hook each ten seconds, while a trusted one is there to be asked the same (I2)', () => {
    const [shaky, sound] = [instance('shaky'), instance('sound')]
    leaveOut(shaky)
    noteProbe(shaky, 0, nowMs)
    const at = (ms: number, mayTry = true) => pick([shaky, sound], { mayTry, nowMs: ms, random: () => 0 })
    expect(at(nowMs, false)).toEqual({ instance: sound, isTrial: false })
    expect(at(nowMs)).toEqual({ instance: shaky, isTrial: true })
    noteAsked(shaky, nowMs)
    expect(at(nowMs + 9_999)).toEqual({ instance: sound, isTrial: false })
    expect(at(nowMs + 10_000)).toEqual({ instance: shaky, isTrial: true })
  })
})

describe('whom a gateway trusts', () => {
  it('loses trust with the second timeout in a row, not with two that have an answer between them (I1)', () => {
    const one = instance('one')
    expect([noteTimeout(one, nowMs), noteAnswer(one), noteTimeout(one, nowMs)]).toEqual([false, false, false])
    expect(noteTimeout(one, nowMs)).toBe(true)
    expect(noteTimeout(one, nowMs)).toBe(false) // told once
  })

  it('trusts again after any answer (I3)', () => {
    const one = instance('one')
    leaveOut(one)
    expect(noteAnswer(one)).toBe(true)
    expect(one.standing).toEqual({ kind: 'trusted', timeouts: 0 })
  })

  it('trusts again after five seconds of probes with nothing overdue, and not for probes alone while handlers hang (I3)', () => {
    const [sound, hung] = [instance('sound'), instance('hung')]
    for (const one of [sound, hung]) leaveOut(one)
    const probes = (one: Instance, overdue: number): boolean[] =>
      [0, 4_999, 5_000].map((ms) => noteProbe(one, overdue, nowMs + ms))
    expect(probes(sound, 0)).toEqual([false, false, true])
    expect(probes(hung, 1)).toEqual([false, false, false])
  })

  it('waits a minute where a try failed: what hung once with an idle look will hang again (I3)', () => {
    const one = instance('one')
    leaveOut(one)
    noteProbe(one, 0, nowMs)
    noteAsked(one, nowMs)
    expect(noteProbe(one, 0, nowMs + 59_999)).toBe(false)
    expect(noteProbe(one, 0, nowMs + 60_000)).toBe(true)
  })

  it('starts to count anew when a probe was not answered', () => {
    const one = instance('one')
    leaveOut(one)
    noteProbe(one, 0, nowMs)
    noteProbe(one, undefined, nowMs + 3_000)
    expect(noteProbe(one, 0, nowMs + 5_000)).toBe(false)
    expect(noteProbe(one, 0, nowMs + 10_000)).toBe(true)
  })
})
