import type { ArchiveEvents } from '@natter/archive'
import type { BrokerEvents } from '@natter/broker'
import { logBroker, logEvents, type Logger } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import type { PersistenceEvents } from './persistence.events.js'

/** Which facts become log lines. What could mean that a publication is missing is an error: somebody has to look. */
export function log(
  logger: Logger,
  events: {
    persistence: TypedEvents<PersistenceEvents>
    archive: TypedEvents<ArchiveEvents>
    broker: TypedEvents<BrokerEvents>
  },
): void {
  logEvents(events.persistence, logger, {
    'archive:ready': 'info',
    'archive:migrate:failed': 'warn',
    'archive:foreign': 'error',
    'archive:taken-over': 'warn',
    'archive:forget': 'info',
    'archive:forget:failed': 'warn',
    'stream:acquire': 'info',
    'stream:release': 'info',
    'stream:verify': ({ verdict }) => (verdict === 'rolled-back' ? 'error' : 'info'),
    'stream:fail': ({ isNew }) => (isNew ? 'warn' : 'debug'),
    'stream:recover': 'info',
    'stream:behind': 'error',
    'stream:caught-up': 'info',
    'batch:write': 'debug',
    'publication:dead-letter': 'error',
    'stream:gap': 'error',
    'stream:purge': 'debug',
    'namespace:unknown': 'warn',
  })
  logEvents(events.archive, logger, {
    'archive:migration:apply': 'info',
    'archive:partition:create': 'info',
    'archive:partition:drop': 'info',
    'archive:writer:lose': 'warn',
  })
  logBroker(events.broker, logger)
}
