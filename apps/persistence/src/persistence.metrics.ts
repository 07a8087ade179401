import type { Archive } from '@natter/archive'
import type { Broker, BrokerEvents } from '@natter/broker'
import { defineMetrics, observe, type HealthChecks, type Metrics } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import type { Persistence } from './persistence.js'
import type { PersistenceEvents } from './persistence.events.js'
import type { StreamStatus } from './stream/stream-archiver.js'

/** The persistence app's metrics, beside the process's own. */
export const persistenceMetrics = defineMetrics({
  isWriter: {
    type: 'gauge',
    name: 'natter_persistence_is_writer',
    help: '1 where this process writes the archive of the stream. The sum over all processes should be 1 for each stream.',
    labels: ['stream'],
  },
  checkpoint: {
    type: 'gauge',
    name: 'natter_persistence_checkpoint_seq',
    help: 'Sequence up to which the stream is archived, where this process knows it.',
    labels: ['stream'],
  },
  lagMessages: {
    type: 'gauge',
    name: 'natter_persistence_lag_messages',
    help: 'Messages of the stream that wait for the archive, as last seen.',
    labels: ['stream'],
  },
  lagSeconds: {
    type: 'gauge',
    name: 'natter_persistence_lag_seconds',
    help: 'Age of the oldest message that waits for the archive; 0 = none waits.',
    labels: ['stream'],
  },
  archived: {
    type: 'counter',
    name: 'natter_persistence_archived_total',
    help: 'Publications written into the archive.',
    labels: ['stream'],
  },
  skipped: {
    type: 'counter',
    name: 'natter_persistence_skipped_total',
    help: 'Messages that do not belong into the archive: of namespaces without `keep: archive`, and of the mesh itself.',
    labels: ['stream'],
  },
  batches: {
    type: 'histogram',
    name: 'natter_persistence_batch_seconds',
    help: 'How long the transaction of a batch took.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  deadLetters: {
    type: 'counter',
    name: 'natter_persistence_dead_letters_total',
    help: 'Publications that Postgres refused: their bytes are in dead_letter.',
    labels: ['stream'],
  },
  missing: {
    type: 'counter',
    name: 'natter_persistence_missing_total',
    help: 'Sequences that were gone before they could be archived; archive_gap names them.',
    labels: ['stream'],
  },
  purged: {
    type: 'counter',
    name: 'natter_persistence_purged_total',
    help: 'Archived messages removed from the stream to make room.',
    labels: ['stream'],
  },
  failures: {
    type: 'counter',
    name: 'natter_persistence_failures_total',
    help: 'Attempts that failed and were tried again.',
    labels: ['stream'],
  },
  rollbacks: {
    type: 'counter',
    name: 'natter_persistence_rollbacks_total',
    help: 'How often a stream had lost messages that were archived already, and got a new epoch.',
    labels: ['stream'],
  },
  natsUp: {
    type: 'gauge',
    name: 'natter_persistence_nats_connected',
    help: '1 while the way to NATS is there.',
  },
})

/** What is measured. */
export interface Metered {
  persistence: Persistence
  archive: Archive
  broker: Broker
  events: { persistence: TypedEvents<PersistenceEvents>; broker: TypedEvents<BrokerEvents> }
}

export function meter(metrics: Metrics, { persistence, broker, events }: Metered): void {
  const each = (value: (status: StreamStatus) => number) => () =>
    persistence.archivers.map(({ status }) => ({
      labels: { stream: status.stream },
      value: value(status),
    }))
  const handles = metrics.register(persistenceMetrics, {
    isWriter: each(({ isWriter }) => (isWriter ? 1 : 0)),
    checkpoint: each(({ checkpointSeq }) => checkpointSeq),
    lagMessages: each(({ lagMessages }) => lagMessages),
    lagSeconds: each(({ lagSeconds }) => lagSeconds),
    natsUp: () => (broker.bus.isConnected ? 1 : 0),
  })
  observe(events.persistence, {
    'batch:write': ({ stream, archived, skipped, tookMs }) => {
      handles.archived.add({ stream }, archived)
      handles.skipped.add({ stream }, skipped)
      handles.batches.observe({}, tookMs / 1_000)
    },
    'publication:dead-letter': ({ stream }) => handles.deadLetters.add({ stream }),
    'stream:gap': ({ stream, from, to }) => handles.missing.add({ stream }, to - from + 1),
    'stream:purge': ({ stream, messages }) => handles.purged.add({ stream }, messages),
    'stream:fail': ({ stream }) => handles.failures.add({ stream }),
    'stream:verify': ({ stream, verdict }) => {
      if (verdict === 'rolled-back') handles.rollbacks.add({ stream })
    },
  })
}

/**
 * Not ready while NATS is away: nothing can be read. What Postgres does is an alarm: publications are safe in their streams until those
 * are full, another process of this app could do no more, and a deploy that waited for it would never end. A person has to look.
 */
export function checkHealth(
  checks: HealthChecks,
  { persistence, archive, broker }: Metered,
  lagAlarmMs: number,
): void {
  checks.add('nats', () => (broker.bus.isAnswering ? undefined : 'NATS is away: nothing can be read.'))
  checks.add(
    'postgres',
    async () => {
      const problem = await archive.problem()
      if (problem !== undefined) return problem
      return persistence.isReady ? undefined : 'The archive is not ready yet.'
    },
    { kind: 'alarm' },
  )
  checks.add('owner', () => persistence.ownership.problem, { kind: 'alarm' })
  checks.add('archive', () => lateIn(persistence, lagAlarmMs), { kind: 'alarm' })
}

function lateIn({ archivers }: Persistence, lagAlarmMs: number): string | undefined {
  const late = archivers.filter(({ status }) => status.lagSeconds * 1_000 >= lagAlarmMs)
  if (late.length === 0) return undefined
  return late.map(({ status }) => `${status.stream} is ${Math.round(status.lagSeconds)} s behind.`).join(' ')
}
