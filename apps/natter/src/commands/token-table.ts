/** Commands that make and check tokens. */
import type { Command } from '../cli/command.js'
import {
  choice,
  defaulted,
  durationOrNever,
  file,
  flag,
  json,
  jsonObject,
  list,
  optional,
  text,
} from '../cli/values.js'
import { config, data } from './flags.js'

export const algorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export const user = flag('user', text('<id>'), 'Whose token it is. Without it: of nobody (anonymous)')
export const expires = defaulted(
  'expires',
  durationOrNever({ minMs: 1000 }),
  '1h',
  'When it ends, from now; never: it does not',
)
export const info = flag('info', json(), 'JSON that others in a channel are shown')
export const channels = flag('channels', list('<a,b>'), 'Channels that the connection begins with')
export const subs = flag(
  'subs',
  jsonObject(),
  'The same with options: {"channel":{"info":…,"data":…,"override":…}}',
)
export const meta = flag('meta', jsonObject(), 'JSON for apps, never shown to clients')
export const caps = flag('caps', json(), 'Capabilities: what the connection may do besides')
export const claims = flag('claims', jsonObject(), 'More claims, or others in place of the ones made here')
export const tokenId = flag('id', text('<id>'), 'The token’s own name (jti), by which it may be revoked')
export const keyFile = flag(
  'key-file',
  file(),
  'Sign with this private key, PEM or JWK: RS256, ES… or EdDSA by what it is',
)
export const algorithm = flag(
  'algorithm',
  { ...choice(...algorithms), placeholder: '<name>' },
  `${algorithms[0]} to ${algorithms.at(-1)}, as in the header of the token; the default is HS256, or what the key is for`,
)
export const keyId = flag('key-id', text('<id>'), 'Which key of a published set it is (kid)')
export const secretFile = flag('secret-file', file(), 'A file with the secret')
export const secret = flag('secret', text('<text>'), 'The secret itself. Others on this machine can see it')

export const channel = flag('channel', text('<name>'), 'The channel that it lets in to')
export const client = flag('client', text('<id>'), 'The only connection that may use it')
export const subscriptionData = flag('sub-data', json(), 'JSON that the subscriber is told')
export const allow = flag('allow', list('<pub,hst,…>'), 'What the subscriber may do there besides')

export const token = optional('token', text('<token>'), 'The token; - or none: from standard input')
export const kind = defaulted(
  'kind',
  choice('auto', 'connection', 'subscription'),
  'auto',
  'What it is to be used for; auto: what it says that it is',
)

const keys = [keyFile, algorithm, keyId, secretFile, secret, config, data]

const whichKey =
  'Signed with --key-file, --secret-file or --secret; else with the secret of the settings (client.token_hmac_secret_key, its variable or its …_FILE), else with that of the mesh that npm start keeps here. aud, iss and the name of the user’s claim are those that the settings ask for.'

export const tokenCommands = {
  token: {
    summary: 'A connection token',
    about: [whichKey, 'Prints the token alone. Whoever has it is that user until it ends.'],
    flags: [user, expires, info, channels, subs, meta, caps, claims, tokenId, ...keys],
    examples: [
      { line: 'token --user ann', doc: 'for an hour' },
      { line: `token --user ann --expires 5m --info '{"name":"Ann"}' --channels news,chat:lobby`, doc: '' },
      { line: 'token --user ann --key-file private.pem --key-id 2026', doc: 'with a key pair' },
    ],
  },
  'sub-token': {
    summary: 'A subscription token',
    about: [whichKey.replaceAll('client.token_', 'client.subscription_token_… or client.token_')],
    flags: [channel, user, expires, client, info, subscriptionData, allow, claims, tokenId, ...keys],
    examples: [{ line: 'sub-token --channel $chat:ann --user ann', doc: 'into a private channel' }],
  },
  'check-token': {
    summary: 'What a gateway with these settings would say of a token',
    about: [
      'Judged by the code that gateways have: whose it is, which key signed it, when it ends, or why it is refused. Whether it was revoked only gateways know.',
      'Ends with 1 if it would be refused.',
    ],
    args: [token],
    flags: [kind, config, data],
    examples: [
      { line: 'check-token eyJhbGciOi…', doc: '' },
      { line: 'check-token < token.txt', doc: 'kept out of the shell’s memory' },
    ],
  },
} as const satisfies Record<string, Command>
