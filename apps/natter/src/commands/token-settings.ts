/**
 * What the settings say of tokens: the keys, and what a token has to say.
 *
 * TS1. The mesh of this machine signs with a secret of its own, where the settings name no key.
 */
import type { TokenOptions } from '@natter/auth'
import { join } from 'node:path'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import { moduleOf } from '../mesh/programs.js'
import { dataFolderOf, localSecrets } from './local-mesh.js'
import { onlySections, readSettings, settingsOf, sound } from './settings.js'

/** Prefix of the settings of a kind of token. */
export type Prefix = 'token' | 'subscription_token'

export interface TokenSettings {
  readonly client: Readonly<Record<string, unknown>>
  /** Undefined: no key of their own. */
  optionsOf(prefix: Prefix): TokenOptions | undefined
  /** Where a setting comes from, for people. */
  originOf(key: string): string
}

interface Module {
  tokenOptionsOf(client: object, prefix: Prefix): TokenOptions | undefined
}

/** @throws InvalidError `settings`, `not-built`. */
export async function tokenSettings(given: Given, terminal: Terminal): Promise<TokenSettings> {
  const { tokenOptionsOf } = await moduleOf<Module>(
    'gateway',
    join('apps', 'gateway', 'src', 'config', 'token-settings'),
  )
  const app = onlySections(await settingsOf('gateway'), ['client'])
  const folder = dataFolderOf(given, terminal)
  const read = (env: Record<string, string>) => sound(app.lib, readSettings(app, given, terminal, env))
  let loaded = read({})
  const local = localSecrets(folder)?.tokenHmacSecretKey
  const isLocal =
    local !== undefined &&
    tokenOptionsOf(loaded.config['client'] ?? {}, 'token') === undefined &&
    tokenOptionsOf(loaded.config['client'] ?? {}, 'subscription_token') === undefined
  if (isLocal) loaded = read({ NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: local }) // TS1
  const client = loaded.config['client'] ?? {}
  return {
    client,
    optionsOf: (prefix) => tokenOptionsOf(client, prefix),
    originOf(key) {
      if (isLocal && key === 'client.token_hmac_secret_key') return `the mesh of this machine, in ${folder}`
      const origin = loaded.origins[key]
      return origin !== undefined && 'name' in origin ? `${key}, ${placeOf(origin)}` : key
    },
  }
}

const placeOf = ({ from, name }: { from: string; name: string }): string =>
  from === 'env' ? name : `${from} ${name}`
