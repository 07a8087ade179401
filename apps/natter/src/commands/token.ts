/** Tokens, made. */
import { SignJWT, type JWTPayload } from 'jose'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import { UsageError } from '../cli/command.js'
import type { Action } from './action.js'
import { judge } from './judge-token.js'
import { signingKey, type SigningKey } from './signing-key.js'
import * as flags from './token-table.js'
import { tokenSettings, type Prefix, type TokenSettings } from './token-settings.js'

export const token: Action = (given, terminal) =>
  make(given, terminal, 'connection', {
    channels: given.of(flags.channels),
    subs: given.of(flags.subs),
    info: given.of(flags.info),
    meta: given.of(flags.meta),
    caps: given.of(flags.caps),
  })

export const subToken: Action = (given, terminal) => {
  const channel = given.of(flags.channel)
  if (channel === undefined)
    throw new UsageError(
      ['natter sub-token needs --channel <name>: the channel that it lets in to.'],
      given.name,
    )
  return make(given, terminal, 'subscription', {
    channel,
    client: given.of(flags.client),
    info: given.of(flags.info),
    data: given.of(flags.subscriptionData),
    allow: given.of(flags.allow),
  })
}

/** For connections of our own: of this user, for an hour, signed with the secret of the settings. */
export async function tokenFor(user: string, given: Given, terminal: Terminal): Promise<string> {
  const settings = await tokenSettings(given, terminal)
  const secret = settings.client['token_hmac_secret_key']
  if (typeof secret !== 'string')
    throw new UsageError(
      ['--user needs the secret of the gateways, client.token_hmac_secret_key.'],
      given.name,
    )
  const claims = { ...rulesOf(settings, 'token'), [userClaim(settings, 'token')]: user }
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(Buffer.from(secret))
}

async function make(
  given: Given,
  terminal: Terminal,
  kind: 'connection' | 'subscription',
  said: Readonly<Record<string, unknown>>,
): Promise<undefined> {
  const settings = await tokenSettings(given, terminal)
  const isApart = kind === 'subscription' && settings.optionsOf('subscription_token') !== undefined
  const prefix: Prefix = isApart ? 'subscription_token' : 'token'
  const signing = signingKey(given, terminal, settings, prefix)
  const claims = claimsOf(given, settings, prefix, said)
  const text = await sign(claims, signing, given.of(flags.keyId))
  await warnIfRefused(text, kind, settings, terminal)
  const value = {
    token: text,
    kind,
    user: given.of(flags.user) ?? '',
    expiresAt: claims.exp === undefined ? null : new Date(claims.exp * 1000).toISOString(),
    algorithm: signing.algorithm,
    signedWith: signing.from,
  }
  terminal.show(value, text)
  return undefined
}

function claimsOf(
  given: Given,
  settings: TokenSettings,
  prefix: Prefix,
  said: Readonly<Record<string, unknown>>,
): JWTPayload {
  const expiresMs = given.of(flags.expires)
  const nowS = Math.floor(Date.now() / 1000)
  const user = given.of(flags.user)
  const id = given.of(flags.tokenId)
  return {
    ...(user === undefined ? {} : { [userClaim(settings, prefix)]: user }),
    iat: nowS,
    ...(expiresMs === 'never' ? {} : { exp: nowS + Math.round(expiresMs / 1000) }),
    ...rulesOf(settings, prefix),
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    ...(id === undefined ? {} : { jti: id }),
    ...given.of(flags.claims),
  }
}

function userClaim({ client }: TokenSettings, prefix: Prefix): string {
  const name = client[`${prefix}_user_id_claim`]
  return typeof name === 'string' ? name : 'sub'
}

/** What the settings ask of every token. Of an expression nobody knows what it was meant for. */
function rulesOf({ client }: TokenSettings, prefix: Prefix): JWTPayload {
  const [aud, iss] = [client[`${prefix}_audience`], client[`${prefix}_issuer`]]
  return { ...(typeof aud === 'string' ? { aud } : {}), ...(typeof iss === 'string' ? { iss } : {}) }
}

function sign(
  claims: JWTPayload,
  { key, algorithm }: SigningKey,
  keyId: string | undefined,
): Promise<string> {
  const header = { alg: algorithm, typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) }
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

/** A token that no gateway takes is the commonest mistake of all, and it shows only when a client connects. */
async function warnIfRefused(
  text: string,
  kind: 'connection' | 'subscription',
  settings: TokenSettings,
  terminal: Terminal,
): Promise<void> {
  if (settings.optionsOf('token') === undefined && settings.optionsOf('subscription_token') === undefined)
    return
  const { isGood, why } = await judge(text, kind, settings)
  if (!isGood) terminal.warn('would-be-refused', `A gateway with these settings would refuse it: ${why}`)
}
