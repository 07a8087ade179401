import { describe, expect, it } from '@jest/globals'
import { encodeMeta, MemoryBroker, MemoryMesh } from '@natter/broker'
import fc from 'fast-check'
import { Versions, type Version } from './versions.js'

const startMesh = () => {
  const mesh = new MemoryMesh()
  const target = { namespace: 'room', channel: 'room:a' }
  const gateway = () => {
    const broker = new MemoryBroker(mesh)
    const versions = new Versions(broker)
    const route = broker.route('room', 'room:a')
    const append = async (version: Version | undefined, after?: number) => {
      const meta = encodeMeta({ kind: 'json', ...(version === undefined ? {} : { version }) })
      const options = { meta, ...(after === undefined ? {} : { after }) }
      const { seq } = await broker.log.append(route.subject, Buffer.from('1'), options)
      return { offset: seq, epoch: route.epoch }
    }
    return {
      plain: () => append(undefined),
      publish: (number: number, epoch = '') =>
        versions.publish(target, { number, epoch }, (after) => append({ number, epoch }, after)),
    }
  }
  const stream = () => mesh.stream(mesh.topology.streams[0]?.name ?? '')
  const kept = () =>
    stream().messages.map(({ meta }) => (JSON.parse(meta ?? '{}') as { v?: [number, string] }).v)
  return { gateway, kept }
}

describe('a publication with a version', () => {
  it('is left out where the channel has one that is as new, and answered with the newest place', async () => {
    const { gateway, kept } = startMesh()
    const [a, b] = [gateway(), gateway()]
    await a.publish(2)
    const newest = await b.publish(5)
    for (const number of [5, 3, 2]) expect(await a.publish(number)).toEqual(newest)
    await b.publish(6)
    expect(kept()).toEqual([
      [2, ''],
      [5, ''],
      [6, ''],
    ])
  })

  it('begins anew with another epoch, and without one is compared with whatever there is', async () => {
    const { gateway, kept } = startMesh()
    const { publish } = gateway()
    await publish(5, 'x')
    await publish(1, 'y')
    await publish(5, 'x')
    await publish(4, '')
    await publish(6, '')
    expect(kept()).toEqual([
      [5, 'x'],
      [1, 'y'],
      [5, 'x'],
      [6, ''],
    ])
  })

  it('is never left out for what one gateway remembers, when another has begun anew since (VE3)', async () => {
    const { gateway, kept } = startMesh()
    const [a, b] = [gateway(), gateway()]
    await a.publish(10, 'x')
    await b.publish(1, 'y')
    await a.publish(5, 'x')
    expect(kept()).toHaveLength(3)
  })

  it('is compared with the newest that has one, however many without lie above it', async () => {
    const { gateway, kept } = startMesh()
    const a = gateway()
    await a.publish(5)
    for (let n = 0; n < 250; n += 1) await a.plain()
    const answer = await gateway().publish(5)
    expect(answer.offset).toBe(251)
    expect(kept()).toHaveLength(251)
  })

  it('never lies behind a newer one, whoever publishes what at the same time on two gateways', async () => {
    const calls = fc.array(fc.record({ at: fc.nat(1), number: fc.integer({ min: 0, max: 8 }) }), {
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(calls, async (all) => {
        const { gateway, kept } = startMesh()
        const gateways = [gateway(), gateway()]
        await Promise.all(
          all.map(async ({ at, number }) =>
            number === 0 ? gateways[at]?.plain() : gateways[at]?.publish(number),
          ),
        )
        const numbers = kept().flatMap((version) => version?.[0] ?? [])
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
        expect(numbers.at(-1)).toEqual(
          all
            .map(({ number }) => number)
            .filter((number) => number > 0)
            .toSorted()
            .at(-1),
        )
      }),
      { numRuns: 100 },
    )
  })
})
