import { connect } from 'node:net'
import { request } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { HealthChecks, Metrics, startOpsServer, type OpsServer } from '@natter/observability'
import { freePort } from '@natter/testing'

const host = '127.0.0.1'

describe('the ops page', () => {
  const checks = new HealthChecks()
  let metrics: Metrics
  let server: OpsServer

  beforeEach(async () => {
    metrics = new Metrics({ processMetrics: false })
    server = await startOpsServer({ host, port: 0, metrics, checks })
  })

  afterEach(async () => {
    await server.stop()
    metrics.stop()
  })

  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://${host}:${server.port}${path}`, { method })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  it('answers 200 while all is well, and 503 with the reason while it is not', async () => {
    let reason: string | undefined
    const remove = checks.add('nats', () => reason)
    const well = await get('/health')
    expect([well.status, JSON.parse(well.body)]).toEqual([200, { status: 'ok', checks: { nats: 'ok' } }])
    reason = 'not connected'
    const ill = await get('/health/ready?verbose=1')
    expect([ill.status, JSON.parse(ill.body)]).toEqual([
      503,
      { status: 'unavailable', checks: { nats: 'not connected' } },
    ])
    expect((await get('/health/live')).status).toBe(200)
    remove()
  })

  it('shows an alarm on /health and keeps it from balancers: a person has to look, and no other node is better', async () => {
    const remove = checks.add('streams', () => 'nothing is stored', { kind: 'alarm' })
    const pages = await Promise.all(['/health', '/health/ready', '/health/live'].map((path) => get(path)))
    expect(pages.map(({ status }) => status)).toEqual([503, 200, 200])
    remove()
  })

  it('shows the metrics in the form that Prometheus asks for', async () => {
    metrics.register({ up: { type: 'gauge', name: 'natter_up', help: 'Up.' } }).up.set({}, 1)
    const page = await get('/metrics')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(page.body).toContain('natter_up 1')
  })

  it('tells of a failing reading with 500 instead of dying of it', async () => {
    const broken = () => {
      throw new Error('no number')
    }
    metrics.register({ bad: { type: 'gauge', name: 'natter_bad', help: 'Bad.' } }, { bad: broken })
    expect((await get('/metrics')).status).toBe(500)
    expect((await get('/health')).status).toBe(200)
  })

  it('has nothing else', async () => {
    expect((await get('/')).status).toBe(404)
    expect((await get('/toString')).status).toBe(404)
    const post = await get('/health', 'POST')
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await get('/health', 'HEAD')
    expect([head.status, head.body]).toEqual([200, ''])
  })

  it('names a busy port', async () => {
    const second = startOpsServer({ host, port: server.port, metrics, checks })
    await expect(second).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'port-in-use',
      message: expect.stringContaining(`Port ${server.port} on ${host} is in use`),
    })
  })

  it('says that an address is not of this machine', async () => {
    const second = startOpsServer({ host: '192.0.2.1', port: await freePort(), metrics, checks })
    await expect(second).rejects.toMatchObject({ code: 'address-not-usable' })
  })

  it('does not read what is sent to it, and does not keep who sends it', async () => {
    const post = request({ host, port: server.port, path: '/health', method: 'POST' })
    post.on('error', () => {})
    post.write('x'.repeat(1000)) // and never ends
    const [response] = (await once(post, 'response')) as [
      { statusCode: number; headers: Record<string, string> },
    ]
    expect([response.statusCode, response.headers.connection]).toEqual([405, 'close'])
    post.destroy()
  })

  it('stops at once, with idle and half-sent connections open', async () => {
    const idle = connect(server.port, host)
    const halfSent = connect(server.port, host)
    await Promise.all([once(idle, 'connect'), once(halfSent, 'connect')])
    halfSent.write('GET /health HTTP/1.1\r\nHost')
    await get('/health') // the server has seen both connections by now
    const closed = Promise.all([once(idle, 'close'), once(halfSent, 'close')])
    await server.stop()
    await closed
    await expect(get('/health')).rejects.toThrow()
  })
})
