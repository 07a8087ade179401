import type { NatsBrokerOptions } from '@natter/broker'
import { z } from 'zod'
import { defineSection, type DeepReadonly, type SectionConfig } from '../section.js'
import { bytes } from '../values/bytes.js'
import { duration } from '../values/duration.js'
import { list } from '../values/list.js'
import { secret } from '../values/secret.js'

/** Shared by every app that connects to the mesh. */
export const natsSection = defineSection('nats', 'The way to NATS and what is kept there.', {
  url: {
    schema: list(),
    default: ['nats://127.0.0.1:4222'],
    example: 'nats://10.0.0.5:4222,nats://10.0.0.6:4222',
    doc: 'Addresses of the NATS servers, any of which may answer.',
    shown: true,
  },
  prefix: {
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be lower-case letters, digits, - and _')
      .refine((name) => !name.startsWith('pg_'), 'must not begin with pg_: such schemas are Postgres’ own'),
    default: 'natter',
    example: 'natter',
    doc: 'Names subjects, streams, buckets and the schema in Postgres: two meshes with different prefixes on one NATS never meet.',
    shown: true,
  },
  user: {
    schema: z.string().optional(),
    example: 'natter',
    doc: 'User name, where NATS asks for one.',
    shown: true,
  },
  password: {
    schema: secret().optional(),
    example: 'keep-me-safe',
    doc: 'Password of `nats.user`.',
    shown: false,
  },
  token: {
    schema: secret().optional(),
    example: 'keep-me-safe',
    doc: 'Token, where NATS asks for one.',
    shown: false,
  },
  creds_file: {
    schema: z.string().optional(),
    example: '/run/secrets/natter.creds',
    doc: 'File with NATS credentials (JWT and seed).',
    shown: true,
  },
  connect_timeout: {
    schema: duration(),
    default: '5s',
    example: '30s',
    doc: 'How long the first connect is tried before giving up.',
    shown: true,
  },
  streams: {
    schema: z.int().min(1).max(64),
    default: 1,
    example: '8',
    doc: 'Into how many streams channels are spread. Read at the very first boot of a mesh only.',
    shown: true,
  },
  replicas: {
    schema: z.int().min(1).max(5),
    default: 1,
    example: '3',
    doc: 'Copies of each stream, at its creation.',
    shown: true,
  },
  stream_max_bytes: {
    schema: bytes({ minBytes: 65_536 }).optional(),
    example: '20GiB',
    doc:
      'Size of each stream, changed at the next start; its disk must have it. What happens when it is full: `nats.on_full`. ' +
      'Nothing: as the mesh has it, and 1GiB in a new mesh.',
    shown: true,
  },
  stream_max_age: {
    schema: duration({ minMs: 1000 }).optional(),
    example: '7d',
    doc:
      'Age at which publications leave a stream that forgets. One that refuses keeps them until they are archived. ' +
      'Nothing: as the mesh has it, and 24h in a new mesh.',
    shown: true,
  },
  on_full: {
    schema: z.enum(['refuse', 'forget']).optional(),
    example: 'forget',
    doc:
      'What a full stream does: `refuse` new publications with a temporary error, or `forget` the oldest ones. ' +
      'Nothing: `refuse` where `postgres.url` is set, else as it was, and `forget` in a new mesh.',
    shown: true,
  },
  hot_for: {
    schema: duration(),
    default: '24h',
    example: '1h',
    doc: 'How long the persistence app leaves archived publications in a stream that refuses.',
    shown: true,
  },
})

/** What the broker is told; the caller adds its name. `hasArchive`: whether a Postgres is configured. */
export function natsOptionsOf(
  nats: DeepReadonly<SectionConfig<typeof natsSection>>,
  hasArchive: boolean,
): Omit<NatsBrokerOptions, 'name'> {
  const onFull = nats.on_full ?? (hasArchive ? 'refuse' : undefined)
  return {
    urls: nats.url,
    prefix: nats.prefix,
    streams: nats.streams,
    replicas: nats.replicas,
    connectTimeoutMs: nats.connect_timeout,
    ...(nats.stream_max_bytes === undefined ? {} : { maxBytes: nats.stream_max_bytes }),
    ...(nats.stream_max_age === undefined ? {} : { maxAgeMs: nats.stream_max_age }),
    ...(onFull === undefined ? {} : { onFull }),
    ...(nats.user === undefined ? {} : { user: nats.user }),
    ...(nats.password === undefined ? {} : { pass: nats.password }),
    ...(nats.token === undefined ? {} : { token: nats.token }),
    ...(nats.creds_file === undefined ? {} : { credsFile: nats.creds_file }),
  }
}
