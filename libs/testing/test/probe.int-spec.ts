import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { probe, type Probe, type ProbeOptions } from '@natter/testing'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

describe('a probe', () => {
  let server: Server
  let url: string
  let answer: (response: ServerResponse) => void
  const connections = new Set<unknown>()
  const probes: Probe[] = []

  beforeEach(async () => {
    connections.clear()
    answer = (response) => response.writeHead(200).end('fine')
    server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
    server.on('connection', (socket) => connections.add(socket))
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`
  })
  afterEach(() => {
    for (const one of probes.splice(0)) one.stop()
    server.closeAllConnections()
    server.close()
  })

  const start = (options: Partial<ProbeOptions> = {}): Probe => {
    const one = probe(url, { periodMs: 10, timeoutMs: 1_000, ...options })
    probes.push(one)
    return one
  }
  const say = (status: number): void => {
    answer = (response) => response.writeHead(status).end()
  }

  it('passes with the first success and fails with the first failure where no thresholds say otherwise', async () => {
    const one = start()
    expect(one.isPassing).toBe(false)
    expect(await one.until(true)).toMatchObject({ status: 200, text: 'fine' })
    say(503)
    expect(await one.until(false)).toMatchObject({ status: 503 })
    say(302)
    await one.until(true)
  })

  it('turns only after as many in a row as its thresholds say: one slip in between begins the count anew (K3)', async () => {
    const statuses = [503, 503, 200, 503, 503, 503]
    answer = (response) => response.writeHead(statuses.shift() ?? 503).end()
    const one = start({ failureThreshold: 3, isPassingAtFirst: true })
    await one.until(false)
    expect(one.answers.map(({ status }) => status)).toEqual([503, 503, 200, 503, 503, 503])
  })

  it('takes silence, and a port where nobody listens, for failures (K2)', async () => {
    answer = () => {}
    const one = start({ timeoutMs: 50, isPassingAtFirst: true })
    expect(await one.until(false)).toMatchObject({ status: undefined, text: 'no answer within 50 ms' })
    server.closeAllConnections()
    server.close()
    expect((await one.next()).status).toBeUndefined()
  })

  it('asks one at a time, each on a connection of its own, and makes up for none (K1)', async () => {
    const waiting: ServerResponse[] = []
    answer = (response) => waiting.push(response)
    const one = start({ periodMs: 5 })
    await once(server, 'request')
    await new Promise((resolve) => setTimeout(resolve, 50)) // ten periods
    expect(waiting).toHaveLength(1)
    answer = (response) => response.writeHead(200).end()
    waiting[0]?.writeHead(200).end()
    await one.next()
    await one.next()
    expect(connections.size).toBeGreaterThanOrEqual(3)
    expect(one.answers.length).toBeLessThan(8)
  })
})
