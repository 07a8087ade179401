import type { HookCallerEvents } from '@natter/hooks'
import { logEvents, type Logger } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'

/** Instances come and go with each deploy; one that hangs, and an answer that is none, are for somebody to look at. */
export function logHooks(logger: Logger, events: TypedEvents<HookCallerEvents>): void {
  logEvents(events, logger, {
    'app:up': 'info',
    'app:down': ({ reason }) => (reason === 'silent' ? 'warn' : 'info'),
    'app:left-out': 'warn',
    'app:back': 'info',
    'apps:change': 'info',
    'apps:bad-record': 'error',
    'hook:timeout': 'debug',
    'hook:answer': ({ outcome }) => (outcome === 'absent' || outcome === 'busy' ? 'warn' : 'debug'),
    'hook:failed': 'error',
    'event:drop': ({ reason }) => (reason === 'full' ? 'error' : 'debug'),
  })
}
