/** Under which name going beyond a limit is counted: a label of `natter_gateway_limited_total`, and the rows of the wire's page. */
import { Disconnects, type DisconnectCode } from '@natter/protocol'

export const limitNames = [
  'connections',
  'connection-rate',
  'descriptors',
  'user-connections',
  'message-size',
  'message-cut',
  'queue-size',
  'channels',
  'channel-name',
  'token-size',
  'commands-held',
  'commands-in-flight',
  'command-rate',
  'bytes-waiting',
  'user-command-rate',
  'pong-time',
  'connect-time',
] as const

export type LimitName = (typeof limitNames)[number]

const byDisconnect: readonly (readonly [DisconnectCode, LimitName])[] = [
  [{ code: 1009, reason: 'message too big' }, 'message-size'],
  [{ code: 1006, reason: 'Received too big message' }, 'message-cut'], // the library's words
  [Disconnects.slow, 'queue-size'],
  [Disconnects.channelLimit, 'channels'],
  [Disconnects.noPong, 'pong-time'],
  [Disconnects.stale, 'connect-time'],
]

/** Where the close says all of it; 3013 and 3504 are told where they are decided. */
export function limitOfClose(code: number, reason: string): LimitName | undefined {
  return byDisconnect.find(([one]) => one.code === code && one.reason === reason)?.[1]
}
