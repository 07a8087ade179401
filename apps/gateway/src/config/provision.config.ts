import { defineConfig, logSection, natsSection, postgresSection } from '@natter/config'

/** What a gateway wishes of NATS, and nothing that it needs for clients: a step of an installation gets no token secret. */
export const provisionConfig = defineConfig({
  app: 'provision',
  // One natter.yaml serves all apps.
  foreignSections: [
    'gateway',
    'client',
    'channel',
    'drain',
    'transport',
    'http_api',
    'tls',
    'rpc',
    'proxies',
    'ops',
    'messenger',
    'persistence',
  ],
  sections: [natsSection, postgresSection, logSection],
})
