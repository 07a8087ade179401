import { describe, expect, it } from '@jest/globals'
import { caller, emptyTable, memoryApps, namesIn, type TestApp } from '../../test/apps.js'
import type { AnswerTable, HookEvent } from '../hooks.js'

const table: AnswerTable = {
  ...emptyTable,
  events: [
    { kind: 'disconnect', scope: 'node' },
    { kind: 'message', scope: 'node' },
    { kind: 'vacated', scope: 'node', namespace: 'chat' },
  ],
}

const gone = (id: string, node: string): HookEvent => {
  return { kind: 'disconnect', id, atMs: 1, caller: { ...caller, node }, code: 3_000, reason: 'bye' }
}
const ids = ({ heard }: TestApp): string[] => heard.map(({ id }) => id)

/** Two gateways that each loaded the app, and an instance that runs by itself. */
async function twoGateways() {
  const mesh = memoryApps()
  const one = await mesh.app('a', { table, node: 'g1' })
  const two = await mesh.app('b', { table, node: 'g2' })
  const alone = await mesh.app('c', { table })
  const first = await mesh.gateway({ node: 'g1' })
  const second = await mesh.gateway({ node: 'g2' })
  return { mesh, one, two, alone, first, second }
}

describe('an event for where the socket is', () => {
  it("is told to the instance in the gateway that holds the socket, and to no other: each hears its own sockets' events", async () => {
    const { mesh, one, two, alone, first, second } = await twoGateways()
    expect(await first.hooks.tell(gone('1', 'g1'))).toBe('heard')
    expect(await second.hooks.tell(gone('2', 'g2'))).toBe('heard')
    await mesh.clock.advanceAsync(0)
    expect([ids(one), ids(two), ids(alone)]).toEqual([['1'], ['2'], []])
    expect(first.hooks.instances.map(({ name, node }) => [name, node])).toEqual([
      ['a', 'g1'],
      ['b', 'g2'],
      ['c', undefined],
    ])
  })

  it('of a gateway that died is told by nobody else: the socket was not here (T2)', async () => {
    const { mesh, one, two, alone, second } = await twoGateways()
    expect(await second.hooks.tell(gone('1', 'g1'))).toBe('heard')
    await mesh.clock.advanceAsync(60_000)
    expect([ids(one), ids(two), ids(alone)]).toEqual([[], [], []])
  })

  it('is told again to an instance that failed, while nobody waits for it (T2)', async () => {
    const { mesh, one, first } = await twoGateways()
    let left = 2
    one.hear = async () => {
      left -= 1
      if (left >= 0) throw new Error('not now')
    }
    expect(await first.hooks.tell(gone('1', 'g1'))).toBe('heard')
    await mesh.clock.advanceAsync(2_000)
    expect(ids(one)).toEqual(['1', '1', '1'])
  })

  it('is told to nobody where this gateway has not loaded the app, and is no trouble: that is what the scope says', async () => {
    const mesh = memoryApps()
    const alone = await mesh.app('c', { table })
    const named = await mesh.gateway({ node: 'g1' })
    const nameless = await mesh.gateway()
    expect(await named.hooks.tell(gone('1', 'g1'))).toBe('heard')
    expect(await nameless.hooks.tell(gone('2', 'g1'))).toBe('heard')
    await mesh.clock.advanceAsync(60_000)
    expect([ids(alone), namesIn(named.seen, 'event:drop')]).toEqual([[], []])
  })

  it('is no event of a channel: one is in the whole mesh', async () => {
    const { mesh, one, first } = await twoGateways()
    await first.hooks.tell({ kind: 'vacated', id: '1', atMs: 1, namespace: 'chat', channel: 'chat:a' })
    await mesh.clock.advanceAsync(0)
    expect(ids(one)).toEqual([])
  })

  it('is a message too, of the connections of this gateway', async () => {
    const { mesh, one, two, first } = await twoGateways()
    await first.hooks.tell({ kind: 'message', id: '1', atMs: 1, caller: { ...caller, node: 'g1' } })
    await mesh.clock.advanceAsync(0)
    expect([ids(one), ids(two)]).toEqual([['1'], []])
  })
})

describe('before a gateway stops', () => {
  it('it can wait for what is on its way, and not longer than it says', async () => {
    const { mesh, one, first } = await twoGateways()
    let done = (): void => {}
    one.hear = () => new Promise((resolve) => (done = resolve))
    let waited = 0
    const wait = (): void => void first.hooks.untilTold(500).then(() => (waited += 1))
    await first.hooks.tell(gone('1', 'g1'))
    wait()
    await mesh.clock.advanceAsync(499)
    expect(waited).toBe(0)
    await mesh.clock.advanceAsync(1)
    expect(waited).toBe(1)
    wait()
    done()
    await mesh.clock.advanceAsync(0)
    expect(waited).toBe(2)
  })
})
