import { describe, expect, it } from '@jest/globals'
import { Latencies } from './latencies.js'
import { Load, type LoadPlan } from './load.js'

const plan: LoadPlan = { channel: 'live:a', clients: 2, rate: 1_000, durationMs: 20, bytes: 64 }
const never = new AbortController().signal

describe('a load', () => {
  it('publishes as many as its rate and duration say, and counts what arrives at each subscriber', async () => {
    const load = new Load(plan)
    const sizes = new Set<number>()
    const publish = (_: string, data: unknown) => {
      sizes.add(JSON.stringify(data).length)
      load.arrived(data)
      load.arrived(data)
      return Promise.resolve({})
    }
    const result = await load.run({ publish }, never)
    expect(result).toMatchObject({ published: 20, refused: 0, expected: 40, delivered: 40, missing: 0 })
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64)
  })

  it('knows what was refused, and doesn’t expect that to arrive', async () => {
    const load = new Load(plan)
    const publish = (_: string, data: unknown) => {
      if ((data as { i: number }).i % 2 === 0) return Promise.reject(new Error('103'))
      load.arrived(data)
      load.arrived(data)
      return Promise.resolve({})
    }
    expect(await load.run({ publish }, never)).toMatchObject({ published: 10, refused: 10, missing: 0 })
  })

  it('passes over what others publish to the channel', async () => {
    const load = new Load({ ...plan, durationMs: 1, clients: 1 })
    const publish = (_: string, data: unknown) => {
      for (const strange of [null, 'text', { i: 99 }, { i: -1 }, { i: 'x' }, data]) load.arrived(strange)
      return Promise.resolve({})
    }
    expect(await load.run({ publish }, never)).toMatchObject({ delivered: 1, missing: 0 })
  })

  it('ends at once when it is asked to', async () => {
    const ending = new AbortController()
    const load = new Load({ ...plan, rate: 1, durationMs: 300_000 })
    const publish = () => {
      ending.abort()
      return Promise.resolve({})
    }
    expect(await load.run({ publish }, ending.signal)).toMatchObject({ published: 1, missing: 2 })
  })
})

describe('latencies', () => {
  it('are values that were measured', () => {
    const latencies = new Latencies()
    expect(latencies.percentiles()).toEqual({ p50: null, p90: null, p99: null, max: null })
    for (let ms = 2_000; ms >= 1; ms -= 1) latencies.add(ms)
    expect(latencies.percentiles()).toEqual({ p50: 1_000, p90: 1_800, p99: 1_980, max: 2_000 })
  })
})
