export * from './api-wire.js'
export type * from './api.js'
export { ApiClient, type ApiClientOptions, type PublishChoices } from './app/api-client.js'
export { ApiRefusal } from './app/api-errors.js'
export {
  AppInstance,
  type AppCallbacks,
  type AppInstanceEvents,
  type AppInstanceOptions,
} from './app/app-instance.js'
export { answers, claimApp, claimsOf, forgetApp, ownerOf, withApp, type AppsRecord } from './apps-record.js'
export * from './envelope.js'
export { Grant } from './grant.js'
export type { Told } from './gateway/telling.js'
export type { HookCallerEvents } from './gateway/hook-caller.events.js'
export { HookCaller, type HookCallerOptions } from './gateway/hook-caller.js'
export type * from './hooks.js'
export * from './refusals.js'
