import { describe, expect, it } from '@jest/globals'
import { Arrivals } from './arrivals.js'
import { UserCommands } from './user-commands.js'

const count = (times: number, take: () => boolean): number =>
  Array.from({ length: times }, take).filter((isTaken) => isTaken).length

describe('arrivals', () => {
  function start(perSecond: number) {
    const world = { nowMs: 1, perSecond }
    const arrivals = new Arrivals(
      () => world.perSecond,
      () => world.nowMs,
    )
    return { world, arrivals }
  }

  it('[20.18] lets one second’s worth in at once, then the rate, however many more come', () => {
    const { world, arrivals } = start(100)
    expect(count(500, () => arrivals.take())).toBe(100)
    expect(arrivals.hasRoom).toBe(false)
    world.nowMs += 100
    expect(arrivals.hasRoom).toBe(true)
    expect(count(500, () => arrivals.take())).toBe(10)
  })

  it('follows a limit that is changed while it runs, and lets everybody in where there is none', () => {
    const { world, arrivals } = start(0)
    expect(count(500, () => arrivals.take())).toBe(500)
    world.perSecond = 10
    world.nowMs += 1_000
    expect(count(500, () => arrivals.take())).toBe(10)
  })
})

describe('commands of users', () => {
  function start(options = { userCommandRate: 10, userCommandBurst: 20 }) {
    const world = { nowMs: 1, options }
    const commands = new UserCommands(
      () => world.options,
      () => world.nowMs,
    )
    return { world, commands }
  }

  it('[20.21] takes a burst and then the rate of each user, whichever connection sends', () => {
    const { world, commands } = start()
    expect(count(50, () => commands.take('ann'))).toBe(20)
    expect(count(50, () => commands.take('bob'))).toBe(20)
    world.nowMs += 500
    expect(count(50, () => commands.take('ann'))).toBe(5)
  })

  it('counts nobody in particular, and nobody at all where it is off: that costs nothing', () => {
    const { commands } = start()
    expect(count(50, () => commands.take(''))).toBe(50)
    const { commands: off } = start({ userCommandRate: 0, userCommandBurst: 1 })
    expect(count(50, () => off.take('ann'))).toBe(50)
    expect([commands.userCount, off.userCount]).toEqual([0, 0])
  })

  it('forgets who has nothing to pay off, so that a node does not grow with all users it ever saw (US1)', () => {
    const { world, commands } = start()
    for (let index = 0; index < 20_000; index += 1) {
      commands.take(`user-${index}`)
      world.nowMs += 1
    }
    expect(commands.userCount).toBeLessThan(2_100)
  })

  it('remembers who has something to pay off, however many others come: a crowd would make everybody’s bucket full (US1)', () => {
    const { commands } = start()
    expect(count(50, () => commands.take('ann'))).toBe(20)
    for (let index = 0; index < 5_000; index += 1) commands.take(`user-${index}`)
    expect(commands.take('ann')).toBe(false)
  })
})
