export { Backoff } from './backoff.js'
export { systemClock, type Clock, type Timer } from './clock.js'
export {
  DeniedError,
  InternalError,
  InvalidError,
  messageOf,
  NatterError,
  UnavailableError,
  UnknownOutcomeError,
} from './errors.js'
export { Gate } from './gate.js'
export { TypedEvents, type EventMap } from './typed-events.js'
