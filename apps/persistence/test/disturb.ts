/** What may happen to an archiver at any moment. */
import { UnavailableError } from '@natter/primitives'
import { away, type Operation } from './bad-archive.js'
import type { World } from './harness.js'

/**
 * `nats`: away for a moment; `lose-answer`: the next batch is written, and nobody hears of it; `fail-write`: the next batch is
 * refused.
 */
export type Disturbance = 'restart' | 'cut' | 'nats' | 'lose-answer' | 'fail-write'

export async function disturb(world: World, how: Disturbance): Promise<void> {
  if (how === 'restart') {
    await world.stop()
    world.another()
    world.run()
  } else if (how === 'cut') {
    world.archive.cut()
  } else if (how === 'nats') {
    world.broker.disconnect()
    await world.pass(100)
    world.broker.reconnect()
  } else if (how === 'lose-answer') {
    failOnce(world, 'written', away())
  } else {
    failOnce(world, 'write', new UnavailableError('archive-away', 'refused'))
  }
}

function failOnce(world: World, at: Operation, error: UnavailableError): void {
  world.archive.fault = (operation) => {
    if (operation !== at) return
    world.archive.fault = () => {}
    throw error
  }
}
