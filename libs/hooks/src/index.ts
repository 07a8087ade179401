export type * from './api.js'
export * from './envelope.js'
export type * from './hooks.js'
export * from './refusals.js'
