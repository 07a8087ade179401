import { describe, expect, it } from '@jest/globals'
import { newEpoch } from './epoch.js'
import { Subjects } from './subjects.js'
import {
  decodeTopology,
  encodeTopology,
  epochChanges,
  identified,
  newTopology,
  reconcile,
  routeIn,
  shardsOf,
} from './topology.js'

const subjects = new Subjects('natter')
let count = 0
const epoch = (): string => `epoch${(count += 1)}`

describe('topology', () => {
  it('every shard has exactly one stream', () => {
    for (const streams of [1, 3, 64]) {
      const topology = newTopology(subjects, streams, epoch)
      const all = topology.streams.flatMap((_, index) => shardsOf(topology, index))
      expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 256 }, (_, shard) => shard))
    }
  })

  it.each([[0], [65], [1.5]])('refuses %s streams', (streams) => {
    expect(() => newTopology(subjects, streams, epoch)).toThrow(
      expect.objectContaining({ code: 'bad-streams' }),
    )
  })

  it('a stream seen for the first time keeps the recorded epoch; one created anew gets another', () => {
    const fresh = newTopology(subjects, 2, epoch)
    const seen = reconcile(fresh, ['t1', 't2'], epoch)
    expect(seen?.streams.map((stream) => stream.epoch)).toEqual(fresh.streams.map((stream) => stream.epoch))
    expect(seen === undefined ? 'missing' : reconcile(seen, ['t1', 't2'], epoch)).toBeUndefined()
    const after = seen === undefined ? undefined : reconcile(seen, ['t1', 't3'], epoch)
    expect(after?.streams[0]).toEqual(seen?.streams[0])
    expect(after?.streams[1]?.epoch).not.toBe(seen?.streams[1]?.epoch)
    const changes = seen === undefined || after === undefined ? [] : epochChanges(seen, after)
    expect(changes).toEqual([
      { stream: 'NATTER_CH_1', epoch: after?.streams[1]?.epoch, reason: 'stream-recreated' },
    ])
  })

  it('the record survives its own text, and nothing else is taken for one', () => {
    const topology = newTopology(subjects, 3, epoch)
    expect(decodeTopology(encodeTopology(topology))).toEqual(topology)
    const newer = { ...topology, layout: 2 }
    const broken = { ...topology, shard: [7] }
    for (const value of [newer, broken, null, [], 'x']) {
      expect(() => decodeTopology(Buffer.from(JSON.stringify(value)))).toThrow(
        expect.objectContaining({ code: 'bad-topology' }),
      )
    }
    expect(() => decodeTopology(Buffer.from('{'))).toThrow(expect.objectContaining({ code: 'bad-topology' }))
  })

  it('a mesh is named once: a record of a build that named none is read, gets a name, and keeps it', () => {
    const { id, ...old } = newTopology(subjects, 1, epoch)
    expect(id).toMatch(/^epoch/)
    const read = decodeTopology(encodeTopology(old))
    expect(read.id).toBeUndefined()
    const named = identified(read, () => 'name')
    expect(named).toEqual({ ...old, id: 'name' })
    expect(identified(named ?? read, () => 'other')).toBeUndefined()
    expect(reconcile(named ?? read, ['t1'], epoch)?.id).toBe('name')
    expect(() => decodeTopology(encodeTopology({ ...old, id: '' }))).toThrow(
      expect.objectContaining({ code: 'bad-topology' }),
    )
  })

  it('a route is what the record says, not a formula', () => {
    const topology = newTopology(subjects, 2, epoch)
    const moved = { ...topology, shard: topology.shard.map(() => 1) }
    const route = routeIn(moved, subjects, { cell: 0, namespace: 'chat', name: 'chat:x' })
    expect(route).toMatchObject({ stream: 'NATTER_CH_1', epoch: topology.streams[1]?.epoch })
  })

  it('an epoch is eight random letters', () => {
    expect(newEpoch()).toMatch(/^[a-z]{8}$/)
    expect(newEpoch()).not.toBe(newEpoch())
  })
})
