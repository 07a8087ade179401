/** A gateway with few descriptors, as a process of its own: nothing but that is short in it. */
import { connect as connectTcp, type Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { natsBench } from './bench.js'
import { runningGateway, startGateway } from './gateway-process.js'
import { RawClient } from './harness.js'

const env = { NATTER_CLIENT_ALLOW_ANONYMOUS: 'true', NATTER_CLIENT_CONNECTION_RATE_LIMIT: '0' }
/** 128 for itself, 32 for sockets that are no connections. */
const room = 40

/** Undefined: the kernel refused it. */
const openTcp = (port: number): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })

describe('descriptors', () => {
  const bench = natsBench()

  it('[20.17] takes as many connections as there is room for, whatever was asked for, and answers the next with 503', async () => {
    const gateway = await runningGateway(bench, {
      descriptors: 160 + room,
      env: { ...env, NATTER_GATEWAY_MAX_CONNECTIONS: '15000' },
    })
    const told = gateway.process.lines.find((line) => line.includes('"gateway:room"'))
    expect(JSON.parse(told ?? '{}')).toMatchObject({
      level: 'warn',
      maxConnections: room,
      descriptors: 160 + room,
      cutFrom: 15_000,
    })
    const opening = Array.from({ length: room }, () => bench.keep(RawClient.connect(gateway.url)))
    const [first] = await Promise.all(opening)
    await expect(RawClient.open(gateway.url)).rejects.toThrow('503')
    expect(await gateway.metric('natter_gateway_max_connections{')).toBe(room)
    expect(await gateway.metric('natter_gateway_limited_total{limit="connections"')).toBe(1)
    expect(await gateway.metric('natter_gateway_max_descriptors{')).toBe(160 + room)
    expect(await first?.call('history', { channel: 'room:a' })).toHaveProperty('id')
  })

  it('[20.19] lets the port go before sockets that say nothing take the last, serves who is there, and takes it again', async () => {
    const gateway = await runningGateway(bench, { descriptors: 160 + room, env })
    const client = await bench.keep(RawClient.connect(gateway.url))
    const silent: Socket[] = []
    bench.atEnd(() => silent.forEach((socket) => socket.destroy()))
    const isShort = gateway.process.waitForLine((line) => line.includes('"descriptors:short"'))
    for (let refused = 0; refused === 0;) {
      const socket = await openTcp(gateway.port)
      if (socket === undefined) refused += 1
      else silent.push(socket)
      await client.call('history', { channel: 'room:a' }) // it has turns to look
    }
    expect(await isShort).toContain('"isOver":false')
    expect(await client.call('history', { channel: 'room:a' })).toHaveProperty('id')
    const isOver = gateway.process.waitForLine((line) => line.includes('"isOver":true'))
    for (const socket of silent) socket.destroy()
    await isOver
    await bench.keep(RawClient.connect(gateway.url))
  })

  it('ends with a sentence where there is no room for one: it would refuse everybody', async () => {
    const { process } = await startGateway(bench, { descriptors: 150, env })
    expect(await process.exited).not.toMatchObject({ code: 0 })
    expect(process.lines.join('\n')).toContain('too-few-descriptors')
  })
})
