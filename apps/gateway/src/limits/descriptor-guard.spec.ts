import { describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import { DescriptorGuard } from './descriptor-guard.js'

function start() {
  const clock = new ManualClock()
  const world = { free: 10_000, isPortFree: true }
  const port: string[] = []
  const guard = new DescriptorGuard({
    clock,
    free: (atMost) => Math.min(atMost, world.free),
    letGo: () => port.push('let go'),
    takeAgain: () => {
      if (world.isPortFree) port.push('taken')
      return world.isPortFree
    },
    onChange: (isListening, free) => port.push(`${isListening ? 'over' : 'short'} ${free}`),
  })
  guard.start()
  const at = (free: number): void => {
    world.free = free
    clock.advance(250)
  }
  return { clock, world, port, guard, at }
}

describe('the guard of descriptors', () => {
  it('[20.19] lets nobody new in while few are left, and does again when they are free: the rest is for NATS and for saying no (DG1)', () => {
    const { guard, at, port } = start()
    expect(guard.isTight).toBe(false)
    at(63)
    expect(guard.isTight).toBe(true)
    at(64)
    expect(guard.isTight).toBe(false)
    expect(port).toEqual([])
  })

  it('lets the port go before accept would fail, and takes it again with a margin, so that it does not flap (DG2)', () => {
    const { guard, at, port } = start()
    at(31)
    at(47)
    expect(port).toEqual(['let go', 'short 31'])
    expect(guard.isTight).toBe(true)
    at(48)
    expect(port).toEqual(['let go', 'short 31', 'taken', 'over 48'])
    at(200)
    expect(guard.isTight).toBe(false)
  })

  it('tries again where the port can’t be had: a gateway without one would be lost until somebody looks (DG2)', () => {
    const { world, at, port } = start()
    at(10)
    world.isPortFree = false
    at(5_000)
    at(5_000)
    expect(port).toEqual(['let go', 'short 10'])
    world.isPortFree = true
    at(5_000)
    expect(port).toEqual(['let go', 'short 10', 'taken', 'over 2048'])
  })

  it('looks more often the nearer the end is: a burst takes them within a fraction of a second (DG3)', () => {
    const { clock, guard, world } = start()
    world.free = 1_000
    clock.advance(250)
    world.free = 60
    clock.advance(20)
    expect(guard.isTight).toBe(true)
  })
})
