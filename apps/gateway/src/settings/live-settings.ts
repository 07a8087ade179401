/**
 * From configurations to settings: the first, and those that are read while the gateway runs.
 *
 * LS1. What is made may fail, and is made first: nothing of a configuration that can't be put into effect has changed anything.
 * LS2. A server of keys that nobody asked yet has to answer before tokens are judged by it. Keys that are there stay, also where their
 *      server is away and another setting of tokens changed: a secret must be changeable at any time.
 */
import { createTokenVerifier, KeySources, NoTokens, type TokenVerifier } from '@natter/auth'
import { envNameOf, namespacesOf, type Problem, type Taken } from '@natter/config'
import { InvalidError, systemClock, type TypedEvents } from '@natter/primitives'
import { isDeepStrictEqual } from 'node:util'
import { optionsOf, type GatewayConfig } from '../config/gateway.config.js'
import { httpHooksOf } from '../config/proxy-settings.js'
import { tokenOptionsOf } from '../config/token-settings.js'
import type { GatewayEvents } from '../gateway.events.js'
import type { GatewayOptions } from '../gateway.options.js'
import { noHttpHooks, type HttpHooksTable } from '../http-hooks/http-hook.js'
import { Durability } from './durability.js'
import { Settings } from './settings.js'

/** What is secret, before anybody works with it. */
export type Cover = (secrets: readonly string[]) => void

export class LiveSettings {
  readonly settings: Settings
  private readonly sources = new KeySources()
  private readonly durability: Durability

  /** @throws InvalidError a key is none. */
  constructor(
    private config: GatewayConfig,
    options: GatewayOptions,
    private readonly events: TypedEvents<GatewayEvents>,
    private readonly cover: Cover,
  ) {
    const namespaces = namespacesOf(config.channel)
    this.durability = new Durability(namespaces)
    const httpHooks = this.hooksOf(config)
    this.settings = new Settings({ options, namespaces, verifier: this.verifierOf(config), httpHooks })
  }

  /** Puts it into effect, as a whole or not at all. */
  async take(next: GatewayConfig): Promise<Taken> {
    try {
      return await this.takeAll(next, this.hooksOf(next))
    } catch (error) {
      if (error instanceof InvalidError) return { problems: [{ message: error.message }] } // a file that a setting names
      throw error
    }
  }

  private async takeAll(next: GatewayConfig, httpHooks: HttpHooksTable): Promise<Taken> {
    const { current } = this.settings
    const isSame = isDeepStrictEqual(tokensOf(next), tokensOf(this.config))
    const verifier = isSame ? current.verifier : this.verifierOf(next)
    if (!isSame && !(await verifier.prepare())) {
      verifier.close()
      return { problems: [noKeys(next, this.config)] } // LS2
    }
    const { namespaces, waiting } = this.durability.hold(namespacesOf(next.channel), current.namespaces)
    const options = { ...optionsOf(next), name: current.options.name }
    this.settings.replace({ options, namespaces, verifier, httpHooks })
    this.durability.remember(namespaces)
    this.config = next
    const isOtherFile = !isDeepStrictEqual(headersOf(httpHooks), headersOf(current.httpHooks))
    return { changed: isOtherFile ? ['static headers of hooks'] : [], needsRestart: waiting.map(keepOf) }
  }

  private hooksOf(config: GatewayConfig): HttpHooksTable {
    const table = httpHooksOf(config)
    this.cover(headersOf(table))
    return table
  }

  private verifierOf({ client }: GatewayConfig): TokenVerifier {
    const connection = tokenOptionsOf(client, 'token')
    const subscription = tokenOptionsOf(client, 'subscription_token')
    if (connection === undefined && subscription === undefined) return new NoTokens()
    return createTokenVerifier({
      connection: connection ?? {},
      ...(subscription === undefined ? {} : { subscription }),
      clock: systemClock,
      sources: this.sources,
      onKeys: (keys) => this.events.emit('token:keys', { keys }),
      onNoKeys: (error) => this.events.emit('token:keys:failed', { error }),
    })
  }
}

function headersOf(table: HttpHooksTable = noHttpHooks): string[] {
  const { connect, refresh, channels, rpc } = table
  return [connect, refresh, ...channels.values(), ...rpc.values()].flatMap((hook) =>
    Object.values(hook?.staticHeaders ?? {}),
  )
}

const tokensOf = ({ client }: GatewayConfig) => [
  tokenOptionsOf(client, 'token'),
  tokenOptionsOf(client, 'subscription_token'),
]

const keepOf = (namespace: string): string =>
  namespace === '' ? 'channel.without_namespace (keep)' : `channel.namespaces.${namespace} (keep)`

function noKeys({ client }: GatewayConfig, before: GatewayConfig): Problem {
  const endpoint = client.token_jwks_public_endpoint
  const isOther =
    endpoint !== before.client.token_jwks_public_endpoint ||
    client.token_jwks_cache_ttl !== before.client.token_jwks_cache_ttl
  const isFirst = endpoint !== undefined && isOther
  const key = `client.${isFirst ? 'token' : 'subscription_token'}_jwks_public_endpoint`
  return {
    key,
    env: envNameOf(key),
    message: `${key} can't be read now (token:keys:failed says why), so the keys before stay. Reload again when its server answers.`,
  }
}
