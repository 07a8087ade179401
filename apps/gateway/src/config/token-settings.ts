/** Who may sign tokens, and what they have to say: the same settings for connection tokens and, apart, for subscription tokens. */
import { parsePublicKey, type PublicKeyKind, type TokenOptions } from '@natter/auth'
import { duration, secret, type CrossCheckProblem, type Setting } from '@natter/config'
import { z } from 'zod'

/** A key of the wrong sort may be a secret one, so none is shown. */
const publicKey = (doc: string) =>
  ({ schema: z.string().min(1).optional(), example: pem, doc, shown: false }) as const

const pem = '-----BEGIN PUBLIC KEY-----\\nMII…'

const hidden = (example: string, doc: string) =>
  ({ schema: secret().optional(), example, doc, shown: false }) as const

const plain = (example: string, doc: string) =>
  ({ schema: z.string().min(1).optional(), example, doc, shown: true }) as const

const settingsFor = (tokens: string) => ({
  hmac_secret_key: hidden('a-long-random-text', `Secret of ${tokens} signed with HS256, HS384 or HS512.`),
  previous_hmac_secret_key: hidden(
    'the-one-before',
    'Also believed, while tokens of the secret before are still about.',
  ),
  rsa_public_key: publicKey(
    `PEM of the key for ${tokens} signed with RS… or PS… (256, 384, 512); 2,048 bits at least.`,
  ),
  ecdsa_public_key: publicKey(
    `PEM of the key for ${tokens} signed with ES256, ES384 or ES512, whichever its curve is for.`,
  ),
  eddsa_public_key: publicKey(`PEM of the Ed25519 or Ed448 key for ${tokens} signed with EdDSA.`),
  jwks_public_endpoint: {
    schema: z
      .url({ protocol: /^https?$/ })
      .refine((text) => !text.includes('{'), 'holds a template: write the whole address')
      .optional(),
    example: 'https://auth.example.com/.well-known/jwks.json',
    doc: `Address of a JSON web key set with the public keys for ${tokens}. Redirects are not followed.`,
    shown: true,
  },
  audience: plain('mesh.example.com', `What aud of ${tokens} has to be, or hold. Nothing: any, or none.`),
  audience_regex: regex('mesh-[a-z]+', `The same as a regular expression, for the whole of aud.`),
  issuer: plain('https://auth.example.com', `What iss of ${tokens} has to be. Nothing: any, or none.`),
  issuer_regex: regex(
    'https://[a-z]+\\.example\\.com',
    `The same as a regular expression, for the whole of iss.`,
  ),
  user_id_claim: {
    schema: z.string().regex(/^[a-zA-Z_]+$/, 'must be letters and _'),
    default: 'sub',
    example: 'uid',
    doc: `The claim of ${tokens} that says who the user is.`,
    shown: true,
  },
})

function regex(example: string, doc: string) {
  const schema = z.string().min(1).refine(isRegex, 'must be a regular expression').optional()
  return { schema, example, doc, shown: true } as const
}

function isRegex(source: string): boolean {
  try {
    return new RegExp(`^(?:${source})$`, 'u') instanceof RegExp
  } catch {
    return false
  }
}

type Settings = ReturnType<typeof settingsFor>
type Prefixed<P extends string> = { readonly [K in keyof Settings as `${P}_${K}`]: Settings[K] }

function prefixed<P extends string>(prefix: P, tokens: string): Prefixed<P> {
  const named = Object.entries(settingsFor(tokens)).map(([key, setting]): [string, Setting] => [
    `${prefix}_${key}`,
    setting,
  ])
  return Object.fromEntries(named) as unknown as Prefixed<P>
}

export const tokenSettings = {
  ...prefixed('token', 'connection tokens, and of subscription tokens that have no keys of their own,'),
  token_jwks_cache_ttl: {
    schema: duration({ minMs: 1_000 }),
    default: '1h',
    example: '10m',
    doc: 'How old a key set becomes before it is fetched again. A key that is not in it is looked for at once, every 5 s at most.',
    shown: true,
  },
  token_leeway: {
    schema: duration({ maxMs: 600_000 }),
    default: '0s',
    example: '5s',
    doc: 'By how much the clock of whoever signs may differ from the gateways’: tokens begin so much earlier and end so much later.',
    shown: true,
  },
  disallow_anonymous_connection_tokens: {
    schema: z.boolean(),
    default: false,
    example: 'true',
    doc: 'Closes connections whose token names no user with 3507.',
    shown: true,
  },
  ...prefixed('subscription_token', 'subscription tokens'),
} as const

type Values<P extends string> = {
  readonly [K in keyof Settings as `${P}_${K}`]?: string | undefined
}
export type TokenValues = Values<'token'> &
  Values<'subscription_token'> & { readonly token_jwks_cache_ttl: number; readonly token_leeway: number }

type Prefix = 'token' | 'subscription_token'

const keyNames = [
  'hmac_secret_key',
  'rsa_public_key',
  'ecdsa_public_key',
  'eddsa_public_key',
  'jwks_public_endpoint',
] as const
const ruleNames = [
  'previous_hmac_secret_key',
  'audience',
  'audience_regex',
  'issuer',
  'issuer_regex',
] as const

const valueOf = (client: TokenValues, prefix: Prefix, name: keyof Settings): string | undefined =>
  client[`${prefix}_${name}`]

export const hasTokenKeys = (client: TokenValues, prefix: Prefix = 'token'): boolean =>
  keyNames.some((name) => valueOf(client, prefix, name) !== undefined)

/** What no setting can know alone. */
export function tokenProblems(client: TokenValues): readonly CrossCheckProblem[] {
  return [...problemsOf(client, 'token'), ...problemsOf(client, 'subscription_token')]
}

function problemsOf(client: TokenValues, prefix: Prefix): CrossCheckProblem[] {
  const problems: CrossCheckProblem[] = []
  const tell = (name: keyof Settings, message: string) =>
    problems.push({ key: `client.${prefix}_${name}`, message })
  for (const kind of ['rsa', 'ecdsa', 'eddsa'] as const) {
    const wrong = wrongKey(kind, valueOf(client, prefix, `${kind}_public_key`))
    if (wrong !== undefined) tell(`${kind}_public_key`, wrong)
  }
  for (const name of ['audience', 'issuer'] as const) {
    const isDouble = [name, `${name}_regex` as const].every(
      (one) => valueOf(client, prefix, one) !== undefined,
    )
    if (isDouble) tell(`${name}_regex`, `goes with no ${prefix}_${name}: keep one of the two`)
  }
  if (hasTokenKeys(client, prefix)) {
    if (
      valueOf(client, prefix, 'previous_hmac_secret_key') !== undefined &&
      valueOf(client, prefix, 'hmac_secret_key') === undefined
    )
      tell('previous_hmac_secret_key', `needs ${prefix}_hmac_secret_key: the one before is only for a while`)
    return problems
  }
  for (const name of ruleNames) {
    if (valueOf(client, prefix, name) === undefined) continue
    tell(
      name,
      `says nothing without a key: set one of ${keyNames.map((key) => `client.${prefix}_${key}`).join(', ')}`,
    )
  }
  return problems
}

function wrongKey(kind: PublicKeyKind, text: string | undefined): string | undefined {
  try {
    if (text !== undefined) parsePublicKey(kind, text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'is none'
  }
}

/** Undefined: no key of its own. */
export function tokenOptionsOf(client: TokenValues, prefix: Prefix): TokenOptions | undefined {
  if (!hasTokenKeys(client, prefix)) return undefined
  const said = (name: keyof Settings) => valueOf(client, prefix, name)
  const endpoint = said('jwks_public_endpoint')
  const options = {
    hmacSecret: said('hmac_secret_key'),
    previousHmacSecret: said('previous_hmac_secret_key'),
    rsaPublicKey: said('rsa_public_key'),
    ecdsaPublicKey: said('ecdsa_public_key'),
    eddsaPublicKey: said('eddsa_public_key'),
    audience: said('audience'),
    audienceRegex: said('audience_regex'),
    issuer: said('issuer'),
    issuerRegex: said('issuer_regex'),
    userIdClaim: said('user_id_claim'),
    leewayMs: client.token_leeway,
    jwks: endpoint === undefined ? undefined : { endpoint, cacheMs: client.token_jwks_cache_ttl },
  }
  const present = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present)
}
