import { defineConfig, logSection, natsSection, postgresSection } from '@natter/config'

/** Where the archive is, and how it is called there: `nats.prefix` names its schema. */
export const migrateConfig = defineConfig({
  app: 'migrate',
  // One natter.yaml serves all apps.
  foreignSections: [
    'gateway',
    'client',
    'channel',
    'drain',
    'transport',
    'tls',
    'http_api',
    'rpc',
    'proxies',
    'ops',
    'messenger',
    'persistence',
  ],
  sections: [natsSection, postgresSection, logSection],
  check: ({ postgres }) =>
    postgres.url === undefined
      ? [{ key: 'postgres.url', message: 'is needed: there the tables are made' }]
      : [],
})
