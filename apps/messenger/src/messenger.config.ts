import {
  defineConfig,
  defineSection,
  list,
  logSection,
  natsOptionsOf,
  natsSection,
  opsSection,
  port,
  secret,
  type ConfigOf,
} from '@natter/config'
import { z } from 'zod'
import { findPageFolder } from './page/page-folder.js'

/** HS256 is as strong as its key. */
const SECRET_CHARACTERS = 16

const messengerSection = defineSection(
  'messenger',
  'The messenger: its page, who signs in, and what its rooms take.',
  {
    host: {
      schema: z.string().min(1),
      default: '127.0.0.1',
      example: '0.0.0.0',
      doc: 'The address to listen on.',
      shown: true,
    },
    port: {
      schema: port(),
      default: 8000,
      example: '8080',
      doc: 'The port of the page; 0 takes any free one, and the log says which.',
      shown: true,
    },
    gateways: {
      schema: list(z.url({ protocol: /^wss?$/, error: 'must be an address with ws:// or wss://' })),
      example: 'ws://127.0.0.1:8101/connection/websocket,ws://127.0.0.1:8102/connection/websocket',
      doc: 'Where pages connect, as browsers reach it. A page goes to the next one when one is away.',
      shown: true,
    },
    token_secret: {
      schema: secret({ minLength: SECRET_CHARACTERS }),
      example: 'the-same-as-the-gateways-have',
      doc: 'Signs the tokens of pages: what the gateways know as client.token_hmac_secret_key.',
      shown: false,
    },
    page_folder: {
      schema: z.string().min(1).optional(),
      example: '/srv/natter/page',
      doc: 'The built page. Unset: dist/apps/messenger/web of this repository.',
      shown: true,
    },
  },
)

export const messengerConfig = defineConfig({
  app: 'messenger',
  sections: [messengerSection, natsSection, opsSection, logSection],
  // One natter.yaml serves all apps.
  foreignSections: [
    'gateway',
    'postgres',
    'persistence',
    'client',
    'channel',
    'drain',
    'transport',
    'tls',
    'http_api',
    'rpc',
    'proxies',
  ],
  check: ({ messenger }) =>
    messenger.gateways.length > 0
      ? []
      : [{ key: 'messenger.gateways', message: 'needs at least one address' }],
})

/** Throws where the page has not been built: a server without it would look alive and be useless. */
export function optionsOf({ messenger, nats }: ConfigOf<typeof messengerConfig>) {
  const pageFolder = messenger.page_folder ?? findPageFolder(import.meta.dirname)
  if (pageFolder === undefined)
    throw new Error('The page has not been built: npm run build, or set NATTER_MESSENGER_PAGE_FOLDER.')
  const { gateways, token_secret: tokenSecret } = messenger
  return { gateways, tokenSecret, pageFolder, nats: natsOptionsOf(nats, false) }
}
