import type { BreakReason } from '@natter/recovery'
import type { EmulationOutcome } from './emulation/emulation.js'
import type { Level } from './fullness/levels.js'
import type { MetAt } from './revocation/enforcement.js'
import type { Revocation } from './revocation/revocation.js'
import type { Verdict } from './revocation/revoked-set.js'
import type { HttpApiEvents } from './http-api/http-api.events.js'
import type { HttpHookEvents } from './http-hooks/http-hooks.events.js'
import type { LimitName } from './limits/limit-name.js'

/** What happens in a gateway, `noun:verb[:phase]`. Logs and metrics listen; deliveries are not events. */
export interface GatewayEvents extends HttpHookEvents, HttpApiEvents {
  'gateway:listen': { host: string; port: number }
  /** It was asked to end: not ready from now on, new clients are let in for `delayMs` more. */
  'gateway:drain:start': { connections: number; delayMs: number }
  /** Nobody is let in any more, and those who are here are told to go, over so long. */
  'gateway:drain:close': { connections: number; windowMs: number; batches: number }
  /** No client is left; `unanswered` = closed with commands in work. What apps and the mesh have to hear follows. */
  'gateway:drain:done': { closed: number; unanswered: number; tookMs: number; isHurried: boolean }
  'connection:open': { connectionId: string; remoteAddress: string }
  'connection:connect': { connectionId: string; user: string; client: string }
  'connection:close': { connectionId: string; user: string; code: number; reason: string; ageMs: number }
  /** `limit`: it is full. `rate`: too many at once. `descriptors`: hardly any are left. `draining`: this gateway is about to end. */
  'connection:refuse': {
    reason: 'origin' | 'path' | 'protocol' | 'limit' | 'rate' | 'descriptors' | 'draining'
  }
  /** What it takes from now on. `descriptors` undefined = the system doesn't tell; `cutFrom` = what was asked for and can't be had. */
  'gateway:room': {
    maxConnections: number
    descriptors: number | undefined
    cutFrom: number | undefined
  }
  /** So few descriptors were left that the port was let go; `isOver`: it is taken again. */
  'descriptors:short': { isOver: boolean; free: number }
  /** Somebody wanted more than may be, where neither the close nor the refusal says of what. */
  'limit:exceeded': { limit: LimitName }
  /** What became of a message that a client of an HTTP transport posted. */
  'emulation:request': { outcome: EmulationOutcome }
  /** TLS clients are shown this certificate from now on. */
  'tls:certificate': { fingerprint: string; subject: string; expiresAtMs: number }
  /** The files changed into no pair that can be used; the one before stays. */
  'tls:broken': { error: unknown }
  /** A token wasn't believed; `reason` is never anything of it. */
  'token:invalid': { kind: 'connection' | 'subscription'; reason: string }
  /** The public keys for tokens were fetched: so many. */
  'token:keys': { keys: number }
  /** They could not be; the ones before stay. It is tried again when a token needs them. */
  'token:keys:failed': { error: unknown }
  /** All revocations were read, at the start or after a reconnect; `waitedMs` is for how long commands were held back for it. */
  'revocations:read': { records: number; tookMs: number; waitedMs: number }
  /** They can't be read now, which is tried again; or one of them is none that this version knows. */
  'revocations:trouble': { error: unknown }
  /** An app took somebody's way in back, or gave it back, by this gateway. Names, no tokens. */
  'revocation:write': Revocation
  /** Somebody was turned away or sent away for one. */
  'revocation:met': { verdict: Exclude<Verdict, 'good'>; at: MetAt; user: string }
  'command:error': { method: string; code: number; cause: unknown }
  /** A client asked for a kind of channel that there isn't: `type` as it came, 1 to 3 = maps, 4 = a shared poll. */
  'command:unsupported': { method: string; type: number; advice: string }
  'subscription:reply': { channel: string; recovered: 'yes' | 'no' | 'fresh'; messages: number }
  'subscription:end': { channel: string; code: number }
  'channel:heal': { namespace: string; outcome: 'asked' | BreakReason }
  'channel:stray': { namespace: string }
  'publication:outcome': {
    outcome: 'stored' | 'duplicate' | 'sent' | 'refused' | 'unknown'
    namespace: string
  }
  /** Why a publication was not taken: the code of the error. */
  'publication:refused': { reason: string }
  /** A request of an app was answered; `cause` only where nobody foresaw it. */
  'api:reply': { kind: string; outcome: 'done' | 'refused' | 'unavailable' | 'unknown'; cause: unknown }
  /** A stream crossed 50, 75, 90 or 100 % of its bytes, upwards or back; `level` is the highest that it is at. */
  'stream:level': {
    stream: string
    level: Level
    before: Level
    bytes: number
    maxBytes: number
    onFull: 'refuse' | 'forget'
    advice: string
  }
  /**
   * NATS is connected, and for ten seconds no append to this stream was stored though several were tried. Told once; `sinceMs` is when
   * the first was given up.
   */
  'stream:stall': { stream: string; tries: number; sinceMs: number; advice: string }
  /** It is over: `stored` = an append was stored, `untried` = nobody tried for a minute, so it isn't known any more. */
  'stream:stall:end': { stream: string; why: 'stored' | 'untried'; lastedMs: number }
  /** The streams could not be verified after a reconnect; it is tried again. */
  'gateway:resume:failed': { error: unknown }
  'peer:up': { node: string }
  'peer:down': { node: string; reason: 'silent' | 'goodbye' | 'another-life' }
  /** A timer came late by so much: this process got no time. */
  'node:stood-still': { lateMs: number }
  /** An app heard it. */
  'channel:occupancy': { namespace: string; is: 'occupied' | 'vacated' }
  /** The others took this node for dead and told its apps so: its connections come back, in another life. */
  'sessions:life:over': { life: string; open: number }
  /** What a dead gateway could not tell was told: `isHeard` false = not all of it, it is tried again. */
  'sessions:replay': { node: string; life: string; ends: number; isHeard: boolean }
  /** Sessions could not be written down or read now; it is tried again. */
  'sessions:trouble': { error: unknown }
}
