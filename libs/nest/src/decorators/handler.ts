import type { EventKind, EventScope, HookKind } from '@natter/hooks'
import type { ChannelPath } from '../paths/channel-path.js'
import type { Encoding } from '../pipeline/json.js'
import type { StandardSchema } from '../pipeline/standard-schema.js'

/** Marks our handlers in Nest's metadata: other strategies of an application leave them alone, and ours leaves theirs. */
export const NATTER = Symbol('natter')

/** What a method's decorator says. */
export type Declaration = { encoding: Encoding; schema?: StandardSchema; path?: ChannelPath } & (
  | {
      use: 'answer'
      kind: HookKind
      /** Of an rpc. */
      name?: string
      isIdempotent?: boolean
      /** What the handler's result must be: the reply of an rpc, the stored value of a publish hook. */
      result?: StandardSchema
    }
  | { use: 'hear'; kind: EventKind; scope: EventScope }
)

/** The same, with what only the class knows. */
export type Handler = Declaration & {
  /** Absent = not of a namespace. */
  namespace?: string
  /** What Nest's graph shows, and what only one handler of a kind may have: `publish chat::room`. */
  address: string
  /** `ChatController.publish`, for people. */
  where: string
}

export type AnsweringHandler = Extract<Handler, { use: 'answer' }>
export type HearingHandler = Extract<Handler, { use: 'hear' }>
