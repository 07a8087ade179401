export {
  catchUp,
  type CatchUpEnd,
  type CatchUpReply,
  type CatchUpRequest,
  type CatchUpSource,
  type CatchUpTarget,
  type PageLimits,
} from './catch-up.js'
export {
  ChannelFeed,
  defaultFeedOptions,
  type BreakReason,
  type FeedOptions,
  type FeedOutput,
  type FeedState,
  type HealRange,
} from './channel-feed.js'
export { judge, type GapVerdict } from './gap-rule.js'
export type { LogMessage } from './message.js'
export { Ring, type RingLimits } from './ring.js'
