import type { BrokerEvents } from '@natter/broker'
import type { TypedEvents } from '@natter/primitives'
import type { Logger } from './logger.js'
import { logEvents } from './subscribe.js'

/**
 * Writes what the broker tells as log lines, at the same levels in every app; the result ends that. A warning says that the mesh
 * changed or is away for now; an error is for somebody to look at.
 */
export function logBroker(events: TypedEvents<BrokerEvents>, logger: Logger): () => void {
  return logEvents(events, logger, {
    'broker:connect': 'info',
    'broker:connect:wait': 'warn',
    'broker:disconnect': 'warn',
    'broker:reconnect': 'info',
    'broker:topology:wish-ignored': 'warn',
    'broker:topology:change': 'info',
    'broker:retention:change': 'warn',
    'broker:retention:refused': 'error',
    'broker:retention:kept': 'warn',
    'broker:epoch:change': 'warn',
    'broker:subscription:refused': 'error',
    'bus:callback:error': 'error',
  })
}
