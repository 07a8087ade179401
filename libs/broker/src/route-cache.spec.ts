import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RouteCache } from './route-cache.js'
import { Subjects } from './subjects.js'
import { newTopology, renewed, routeIn } from './topology.js'

const subjects = new Subjects('natter')

function topologies() {
  let epochs = 0
  const newEpoch = (): string => `epoch${(epochs += 1)}`
  const first = newTopology(subjects, 3, newEpoch)
  const [stream] = first.streams
  const second = renewed(first, stream?.name ?? '', stream?.epoch ?? '', newEpoch)
  return [first, second ?? first] as const
}

describe('remembered routes', () => {
  it('are those of the present topology, whichever was asked for before', () => {
    const both = topologies()
    const questions = fc.array(
      fc.record({
        which: fc.constantFrom(0, 1),
        namespace: fc.constantFrom('', 'room', 'hello'),
        channel: fc.constantFrom('a', 'room:a', '$room:a', 'hello:a', 'ab', 'a{b}'),
      }),
      { maxLength: 30, size: 'max' },
    )
    fc.assert(
      fc.property(questions, (asked) => {
        const cache = new RouteCache(subjects)
        for (const { which, namespace, channel } of asked) {
          const topology = both[which === 0 ? 0 : 1]
          const expected = routeIn(topology, subjects, { cell: 0, namespace, name: channel })
          expect(cache.route(topology, namespace, channel)).toEqual(expected)
        }
      }),
    )
  })

  it('are bounded, however many channels there are, and still right when some were forgotten', () => {
    const [topology] = topologies()
    const cache = new RouteCache(subjects)
    for (let i = 0; i < 50_000; i += 1) cache.route(topology, '', `c${i}`)
    expect((cache as unknown as { routes: Map<string, unknown> }).routes.size).toBeLessThanOrEqual(5_000)
    const expected = routeIn(topology, subjects, { cell: 0, namespace: '', name: 'c7' })
    expect(cache.route(topology, '', 'c7')).toEqual(expected)
  })

  it('a name that none may have is refused, also when it is asked for again', () => {
    const cache = new RouteCache(subjects)
    for (let i = 0; i < 2; i += 1) expect(() => cache.route(topologies()[0], '', 'a\nb')).toThrow()
  })
})
