import {
  channelProblems,
  channelSection,
  defineConfig,
  logSection,
  natsSection,
  opsSection,
  postgresSection,
  type ConfigOf,
} from '@natter/config'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { PersistenceOptions } from '../persistence.options.js'
import { persistenceSection } from './persistence-section.js'

export const persistenceConfig = defineConfig({
  app: 'persistence',
  // One natter.yaml serves all apps.
  foreignSections: [
    'gateway',
    'client',
    'drain',
    'transport',
    'tls',
    'http_api',
    'rpc',
    'proxies',
    'messenger',
  ],
  sections: [persistenceSection, natsSection, postgresSection, channelSection, opsSection, logSection],
  check: ({ postgres, channel }) => {
    return [
      ...channelProblems(channel),
      ...(postgres.url === undefined
        ? [{ key: 'postgres.url', message: 'is needed: this process writes the archive there' }]
        : []),
    ]
  },
})

export type PersistenceConfig = ConfigOf<typeof persistenceConfig>

/** Long enough for a restart of everything, for NATS or Postgres being away, and for somebody to read the log. */
const ownerTimeoutMs = 300_000

export function optionsOf({ persistence, nats }: PersistenceConfig): PersistenceOptions {
  return {
    name: persistence.name ?? `${hostname()}-${randomBytes(3).toString('hex')}`,
    batchMessages: persistence.batch_messages,
    batchBytes: persistence.batch_bytes,
    batchDelayMs: persistence.batch_delay,
    lagAlarmMs: persistence.lag_alarm,
    hotForMs: nats.hot_for,
    ownerTimeoutMs,
  }
}
