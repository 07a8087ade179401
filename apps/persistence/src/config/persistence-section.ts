import { bytes, defineSection, duration, nodeName } from '@natter/config'
import { z } from 'zod'

export const persistenceSection = defineSection(
  'persistence',
  'How the archive is written: from the streams into Postgres.',
  {
    name: {
      schema: nodeName().optional(),
      example: 'persistence-1',
      doc: 'Name of this process in logs and metrics. Nothing: host name and a random word.',
      shown: true,
    },
    batch_messages: {
      schema: z.int().min(1).max(20_000),
      default: 5_000,
      example: '1000',
      doc: 'Messages of a stream that one transaction writes at most.',
      shown: true,
    },
    batch_bytes: {
      schema: bytes({ minBytes: 65_536, maxBytes: 67_108_864 }),
      default: '4MiB',
      example: '16MiB',
      doc: 'About so many bytes in one transaction. Two batches of each stream are in memory at once.',
      shown: true,
    },
    batch_delay: {
      schema: duration({ minMs: 10, maxMs: 10_000 }),
      default: '200ms',
      example: '1s',
      doc: 'How long publications gather before they are written, while the archive keeps up.',
      shown: true,
    },
    lag_alarm: {
      schema: duration({ minMs: 1_000 }),
      default: '30s',
      example: '5m',
      doc: 'A publication that waits longer for the archive is told in the log, and this process is not healthy.',
      shown: true,
    },
  },
)
