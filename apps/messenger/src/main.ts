import 'reflect-metadata'
import { ConfigReloader, loadConfigOrExit, secretsOf } from '@natter/config'
import { NatterHealth } from '@natter/nest'
import { nestLogger, runProcess } from '@natter/observability'
import { createMessenger } from './messenger.app.js'
import { messengerConfig, optionsOf } from './messenger.config.js'
import { messengerMetrics } from './messenger.metrics.js'

const config = loadConfigOrExit(messengerConfig)
const { host, port } = config.messenger
const reloader = new ConfigReloader(messengerConfig, config)
const secrets = secretsOf(messengerConfig, config)

await runProcess({ name: 'messenger', log: config.log, ops: config.ops, secrets }, async (logger) => {
  const sessions = new Map<string, number>()
  const onSession = (outcome: string): void => void sessions.set(outcome, (sessions.get(outcome) ?? 0) + 1)
  const app = await createMessenger({ ...optionsOf(config), onSession }, nestLogger(logger))
  await app.listen({ host, port, exclusive: true }) // and joins the mesh
  const address = await app.getUrl()
  logger.info('messenger:listen', { address })
  const health = app.get(NatterHealth)
  return {
    ready: { address },
    tell: (metrics, checks) => {
      metrics.register(messengerMetrics, {
        sessions: () => [...sessions].map(([outcome, value]) => ({ labels: { outcome }, value })),
      })
      checks.add('mesh', () => (health.check().natter.status === 'up' ? undefined : 'not in the mesh'))
    },
    stop: () => app.close(),
    // the level of its log alone
    reload: { run: () => reloader.reload(() => ({})), logLevel: () => reloader.current.log.level },
  }
})
