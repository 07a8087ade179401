import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { highestBasePort, planPorts } from './port-plan.js'

describe('the port plan', () => {
  it('gives each listener a port of its own inside the range, from any base, or two would fight for one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: highestBasePort }), (base) => {
        const ports = Object.values(planPorts(base))
        expect(new Set(ports).size).toBe(ports.length)
        expect(Math.min(...ports)).toBe(base)
        expect(Math.max(...ports)).toBeLessThanOrEqual(65_535)
      }),
    )
  })
})
