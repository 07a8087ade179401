import type { Action } from './action.js'
import type { CommandName } from './table.js'

/** Loaded when they are called for: a token is made without the supervisor. */
export const actions: Readonly<Record<CommandName, () => Promise<Action>>> = {
  start: async () => (await import('./start.js')).start,
  dev: async () => (await import('./start.js')).dev,
  'dev gateway': async () => (await import('./dev-gateway.js')).devGateway,
  new: async () => (await import('./new.js')).newProject,
  'apps forget': async () => (await import('./forget-app.js')).forget,
  'check-config': async () => (await import('./check-config.js')).checkConfig,
  'print-config': async () => (await import('./check-config.js')).printConfiguration,
  token: async () => (await import('./token.js')).token,
  'sub-token': async () => (await import('./token.js')).subToken,
  'check-token': async () => (await import('./check-token.js')).checkToken,
  publish: async () => (await import('./publish.js')).publish,
  history: async () => (await import('./history.js')).history,
  presence: async () => (await import('./presence.js')).presence,
  info: async () => (await import('./info.js')).info,
  disconnect: async () => (await import('./disconnect.js')).disconnect,
  contract: async () => (await import('./contract.js')).contract,
  bench: async () => (await import('./bench.js')).bench,
  completion: async () => (await import('./completion.js')).completion,
}
