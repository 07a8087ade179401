/**
 * What a gateway owes for a message: an answer for each command with an id, or the end of the connection.
 *
 * O1. Which commands a message holds is said by the codec under test. That it reads them right is the matter of its own tests; here it
 *     matters that whoever was read is answered, and that it ends in no other way than {@link MalformedFrameError}.
 */
import { jsonCodec, MalformedFrameError, protobufCodec, type Codec, type Command } from '@natter/protocol'
import type { Encoding } from './case.js'

export type Owed =
  | { kind: 'answers'; ids: number[]; mayEnd: boolean }
  /** It is not the protocol: the connection ends. */
  | { kind: 'end' }
  /** The codec threw what it may not. */
  | { kind: 'fault'; error: string }

const codecs: Readonly<Record<Encoding, Codec>> = { json: jsonCodec, protobuf: protobufCodec }

export function owedFor(encoding: Encoding, message: Uint8Array): Owed {
  try {
    const commands = codecs[encoding].decode(message)
    const ids = commands.flatMap(({ id }) => (id === 0 ? [] : [id]))
    return { kind: 'answers', ids, mayEnd: commands.some(mayEnd) }
  } catch (error) {
    if (error instanceof MalformedFrameError) return { kind: 'end' }
    return { kind: 'fault', error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** Whoever sends these may be sent away, in place of an answer. */
const ending: ReadonlySet<Command['method']> = new Set(['refresh', 'sub_refresh', 'send', 'pong', 'unknown'])

function mayEnd(command: Command): boolean {
  if (ending.has(command.method) || !('request' in command)) return true
  if (command.method === 'connect') return command.id !== 1 || command.request.token !== undefined
  return ('channel' in command.request && command.request.channel === '') || 'token' in command.request
}
