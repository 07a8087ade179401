import type { Bench } from '../harness/bench.js'
import { archive } from './archive.js'
import { connects } from './connects.js'
import { delta } from './delta.js'
import { durablePublish } from './durable-publish.js'
import { fanOut } from './fan-out.js'
import { hooks } from './hooks.js'
import { idleMemory } from './idle-memory.js'
import { latency } from './latency.js'
import { stormBench } from './storm.js'

/** In the order of docs/benchmarks.md. */
export const benches: readonly Bench[] = [
  fanOut,
  delta,
  idleMemory,
  durablePublish,
  latency,
  hooks,
  connects,
  stormBench,
  archive,
]
