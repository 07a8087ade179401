import { describe, expect, it } from '@jest/globals'
import { makePlan } from './plan.js'
import { dataOf, dataTextsOf, idOf } from './publication-data.js'
import { ciSettings, longSettings } from './settings.js'

const publicationsOf = (plan: ReturnType<typeof makePlan>) =>
  plan.publishers.flatMap(({ bursts }) => bursts.flatMap(({ publications }) => publications))

describe('the plan of a run', () => {
  it('is the same for the same seed, so that a failure can be looked at again', () => {
    expect(makePlan({ ...ciSettings, seed: 7 })).toEqual(makePlan({ ...ciSettings, seed: 7 }))
    expect(makePlan({ ...ciSettings, seed: 8 })).not.toEqual(makePlan({ ...ciSettings, seed: 7 }))
  })

  it('publishes as many as it was told, each with an id of its own, whatever the size', () => {
    for (const settings of [ciSettings, longSettings(20_000, 2, 3)]) {
      const publications = publicationsOf(makePlan(settings))
      expect(publications).toHaveLength(settings.publications)
      expect(new Set(publications.map(({ id }) => id)).size).toBe(settings.publications)
    }
  })

  it('kills at least ten times, and nobody after the load has ended', () => {
    const { faults } = makePlan(ciSettings)
    expect(faults.filter(({ kind }) => kind.startsWith('kill')).length).toBeGreaterThanOrEqual(10)
    for (const { atMs } of faults) expect(atMs).toBeLessThan(ciSettings.durationMs)
  })

  it('leaves the archive alone where there is none', () => {
    const targets = makePlan({ ...ciSettings, hasArchive: false }).faults.map(({ target }) => target)
    expect(targets).not.toContain('persistence')
    expect(targets).not.toContain('postgres')
  })

  it('makes data that is JSON and comes out of a frame as it went in', () => {
    for (const publication of publicationsOf(makePlan(ciSettings))) {
      const data = dataOf(publication)
      expect(() => JSON.parse(data) as unknown).not.toThrow()
      expect(idOf(data)).toBe(publication.id)
      expect(dataTextsOf(`{"push":{"channel":"load:1","pub":{"data":${data},"offset":1}}}`)).toEqual([data])
    }
  })
})
