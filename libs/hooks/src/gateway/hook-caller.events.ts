import type { EventKind, HookKind } from '../hooks.js'

/** What happens between a gateway and the apps. Logs and metrics listen. */
export interface HookCallerEvents {
  /** An instance was heard from that was not there before. */
  'app:up': { app: string; instance: string }
  'app:down': { app: string; instance: string; reason: 'silent' | 'goodbye' }
  /** Two timeouts in a row: it is not asked any more. */
  'app:left-out': { app: string; instance: string }
  /** It answers again. */
  'app:back': { app: string; instance: string; outMs: number }
  /** What the apps answer is another now. */
  'apps:change': { apps: readonly string[] }
  /** The record can't be read; the last one that could stands. */
  'apps:bad-record': { error: unknown }
  /** One instance is asked; `attempt` 2 and higher: because the ones before have not answered, or were leaving. */
  'hook:ask': { kind: HookKind; app: string; instance: string; attempt: number }
  /** An instance did not answer within the deadline. */
  'hook:timeout': { kind: HookKind; app: string; instance: string }
  /** What came of a hook: `refused` by the app, `absent` = no instance is there, `busy` = too many are in flight. */
  'hook:answer': {
    kind: HookKind
    outcome: 'decided' | 'refused' | 'timeout' | 'absent' | 'busy' | 'failed'
    tookMs: number
  }
  /** An app's answer, or NATS itself, is broken: the client was answered 100. */
  'hook:failed': { kind: HookKind; error: unknown }
  'event:told': { kind: EventKind; app: string; attempts: number }
  /** It will not be told (again): too many are waiting, the gateway stops, or it was to be told at most once. */
  'event:drop': { kind: EventKind; app: string; reason: 'full' | 'stopped' | 'once' }
}
