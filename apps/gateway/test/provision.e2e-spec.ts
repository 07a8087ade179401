import { describe, expect, it } from '@jest/globals'
import { freePort, startProcess, type StartedProcess } from '@natter/testing'
import { join } from 'node:path'
import { natsBench } from './bench.js'

const program = join(import.meta.dirname, '../src/provision.ts')
const everyApp = join(import.meta.dirname, '../../../natter.yaml')

describe('provisioning', () => {
  const bench = natsBench()

  const run = async (
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
  ): Promise<{ code: number | null; text: string; lines: Record<string, unknown>[] }> => {
    const child: StartedProcess = await startProcess({
      args: [program, ...args],
      env: { NATTER_NATS_URL: bench.nats.url, NATTER_CONFIG: everyApp, ...env },
    })
    bench.atEnd(() => child.kill('SIGKILL'))
    const { code } = await child.exited
    const lines = child.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    return { code, text: child.lines.join('\n'), lines }
  }
  const told = (lines: Record<string, unknown>[], event: string) =>
    lines.filter((line) => line['event'] === event)

  it('makes the streams that the settings say, and names them; a second run finds the same and changes nothing', async () => {
    const wish = {
      NATTER_NATS_STREAMS: '3',
      NATTER_NATS_STREAM_MAX_BYTES: '64MiB',
      NATTER_NATS_ON_FULL: 'refuse',
    }
    const first = await run(wish)
    expect(first).toMatchObject({ code: 0 })
    expect(told(first.lines, 'provision:stream')).toHaveLength(3)
    expect(told(first.lines, 'provision:stream')[0]).toMatchObject({ maxBytes: 67_108_864, onFull: 'refuse' })
    const second = await run(wish)
    expect(second.code).toBe(0)
    const facts = ({ lines }: typeof first) =>
      lines
        .filter(({ event }) => String(event).startsWith('provision:'))
        .map(({ time: _time, ...rest }) => rest)
    expect(facts(second)).toEqual(facts(first))
    expect(second.text).not.toContain('broker:retention:change')
    const broker = await bench.open({ isGuest: true, meshTimeoutMs: 0 }) // for whom a mesh must be there
    expect(broker.streams).toHaveLength(3)
  }, 30_000)

  it('lets streams refuse instead of forgetting where it is told of an archive, as a gateway beside it does', async () => {
    const { code, lines } = await run({ NATTER_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/asked' })
    expect(code).toBe(0)
    expect(told(lines, 'provision:stream')[0]).toMatchObject({ onFull: 'refuse' })
  })

  it('brings limits in line with the settings, without touching what is stored', async () => {
    await run({ NATTER_NATS_STREAM_MAX_BYTES: '64MiB' })
    const broker = await bench.open()
    const { subject, stream } = broker.route('hello', 'hello:a')
    await broker.log.append(subject, Buffer.from('1'))
    const before = await broker.log.state(stream)
    const again = await run({ NATTER_NATS_STREAM_MAX_BYTES: '128MiB' })
    expect(again.code).toBe(0)
    expect(again.text).toContain('broker:retention:change')
    expect(await broker.log.state(stream)).toEqual({ ...before, maxBytes: 134_217_728 })
  }, 30_000)

  it('ends with 1 and a sentence that says where it looked, when NATS is away for the connect timeout', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`
    const { code, lines } = await run({ NATTER_NATS_URL: url, NATTER_NATS_CONNECT_TIMEOUT: '300ms' })
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({
      event: 'process:once:failed',
      error: { code: 'nats-unreachable', message: expect.stringContaining(url) },
    })
  })

  it('ends with 78 when the settings are wrong, and needs no secret of clients when they are right', async () => {
    const { code, text } = await run({ NATTER_NATS_STREAMS: 'many' }, ['--nats.replika', '3'])
    expect(code).toBe(78)
    expect(text).toContain('NATTER_NATS_STREAMS')
    expect(text).toContain('--nats.replika')
    expect((await run({ NATTER_CONFIG: '' })).code).toBe(0)
  })
})
