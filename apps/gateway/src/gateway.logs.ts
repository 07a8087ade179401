import type { BrokerEvents } from '@natter/broker'
import { logBroker, logEvents, type Logger } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from './gateway.events.js'

/** Which facts become log lines. Single connections are debug; a hole that could not be closed is for somebody to look at. */
export function log(
  logger: Logger,
  events: { gateway: TypedEvents<GatewayEvents>; broker: TypedEvents<BrokerEvents> },
): void {
  logEvents(events.gateway, logger, {
    'gateway:listen': 'info',
    'gateway:room': ({ cutFrom }) => (cutFrom === undefined ? 'info' : 'warn'),
    'descriptors:short': ({ isOver }) => (isOver ? 'info' : 'error'),
    'gateway:drain:start': 'info',
    'gateway:drain:close': 'info',
    'gateway:drain:done': ({ unanswered }) => (unanswered === 0 ? 'info' : 'warn'),
    'connection:open': 'debug',
    'connection:connect': 'debug',
    'connection:close': 'debug',
    'connection:refuse': 'debug',
    'subscription:reply': 'debug',
    'subscription:end': 'debug',
    'command:error': ({ cause }) => (cause === undefined ? 'debug' : 'error'),
    'command:unsupported': 'warn',
    'emulation:request': 'debug',
    'tls:certificate': 'info',
    'tls:broken': 'error',
    'token:invalid': 'debug',
    'token:keys': 'info',
    'token:keys:failed': 'error',
    'revocations:read': ({ waitedMs }) => (waitedMs > 1_000 ? 'warn' : 'info'),
    'revocations:trouble': 'warn',
    'revocation:write': 'info',
    'revocation:met': 'debug',
    'http-hook:answer': ({ outcome }) => (outcome === 'busy' ? 'warn' : 'debug'),
    'http-hook:failed': 'error',
    'http-hook:unknown-field': 'warn',
    'http-hook:shadows-app': 'error',
    'api:reply': ({ cause }) => (cause === undefined ? 'debug' : 'error'),
    'http-api:listen': 'info',
    'http-api:reply': ({ cause }) => (cause === undefined ? 'debug' : 'error'),
    'http-api:refuse': 'debug',
    'http-api:unheard': 'warn',
    'channel:heal': ({ outcome }) => (outcome === 'asked' ? 'debug' : 'warn'),
    'channel:stray': 'warn',
    'stream:level': ({ level, before, onFull }) => {
      if (level < before || onFull === 'forget') return 'info'
      return level >= 90 ? 'error' : 'warn'
    },
    'stream:stall': 'error',
    'stream:stall:end': 'info',
    'gateway:resume:failed': 'warn',
    'peer:up': 'info',
    'peer:down': 'info',
    'node:stood-still': 'warn',
    'channel:occupancy': 'debug',
    'sessions:life:over': 'warn',
    'sessions:replay': ({ isHeard }) => (isHeard ? 'info' : 'warn'),
    'sessions:trouble': 'warn',
  })
  logBroker(events.broker, logger)
}
