import { describe, expect, it } from '@jest/globals'
import { Grant } from './grant.js'
import type { PublishGrant } from './hooks.js'

const taken = (said: PublishGrant, atMs: number[]): string[] => {
  const grant = new Grant(said, 1_000)
  return atMs.map((nowMs) => grant.take(nowMs))
}

describe('a grant', () => {
  it('without bounds holds as long as the subscription', () => {
    expect(taken({ publish: 'allow' }, [1_000, 9e12])).toEqual(['allow', 'allow'])
    expect(taken({ publish: 'deny' }, [1_000, 9e12])).toEqual(['deny', 'deny'])
    expect(taken({ publish: 'ask' }, [1_000])).toEqual(['ask'])
  })

  it('covers its quota and not one more (G1)', () => {
    expect(taken({ publish: 'allow', quota: 2 }, [1_000, 1_000, 1_000])).toEqual(['allow', 'allow', 'ask'])
    expect(taken({ publish: 'allow', quota: 0 }, [1_000])).toEqual(['ask'])
  })

  it.each(['allow', 'deny'] as const)('of %s is asked about again when its time is over (G1)', (publish) => {
    expect(taken({ publish, forMs: 50 }, [1_049, 1_050])).toEqual([publish, 'ask'])
  })

  it('of deny is not used up by trying', () => {
    expect(taken({ publish: 'deny', quota: 1 }, [1_000, 1_000, 1_000])).toEqual(['deny', 'deny', 'deny'])
  })
})
