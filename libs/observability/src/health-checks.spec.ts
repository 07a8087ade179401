import { describe, expect, it } from '@jest/globals'
import { HealthChecks } from './health-checks.js'

describe('health', () => {
  it('is ok while every check is, and without any', async () => {
    const checks = new HealthChecks()
    expect(await checks.report()).toEqual({ status: 'ok', checks: {} })
    checks.add('nats', () => undefined)
    checks.add('disk', () => Promise.resolve(undefined))
    expect(await checks.report()).toEqual({ status: 'ok', checks: { nats: 'ok', disk: 'ok' } })
  })

  it('names what fails: a reason, a throw, and a check that never answers', async () => {
    const checks = new HealthChecks()
    checks.add('fine', () => undefined)
    checks.add('said', () => 'not connected')
    checks.add('thrown', () => Promise.reject(new Error('broken')))
    checks.add('thrownAtOnce', () => {
      throw new Error('at once')
    })
    checks.add('hanging', () => new Promise(() => {}))
    expect(await checks.report()).toEqual({
      status: 'unavailable',
      checks: {
        fine: 'ok',
        said: 'not connected',
        thrown: 'broken',
        thrownAtOnce: 'at once',
        hanging: 'no answer within 2000 ms',
      },
    })
  })

  it('of life is asked of the live checks alone: NATS being away is no reason for a restart', async () => {
    const checks = new HealthChecks()
    checks.add('nats', () => 'away')
    checks.add('loop', () => undefined, { kind: 'live' })
    expect(await checks.report('live')).toEqual({ status: 'ok', checks: { loop: 'ok' } })
    expect((await checks.report('ready')).status).toBe('unavailable')
  })

  it('told to a balancer leaves the alarms out: what no other node does better is no reason to send nobody', async () => {
    const checks = new HealthChecks()
    checks.add('streams', () => 'nothing is stored', { kind: 'alarm' })
    expect((await checks.report()).status).toBe('unavailable')
    expect(await checks.report('ready')).toEqual({ status: 'ok', checks: {} })
    expect((await checks.report('live')).status).toBe('ok')
  })

  it('forgets a check that was removed, and not the one that replaced it', async () => {
    const checks = new HealthChecks()
    const removeOld = checks.add('nats', () => 'old')
    const removeNew = checks.add('nats', () => 'new')
    removeOld()
    expect((await checks.report()).checks).toEqual({ nats: 'new' })
    removeNew()
    expect((await checks.report()).checks).toEqual({})
  })
})
