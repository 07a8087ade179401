import 'reflect-metadata'
import { loadConfigOrExit } from '@natter/config'
import { NatterHealth } from '@natter/nest'
import {
  crashWith,
  createLogger,
  exitWithSupervisor,
  HealthChecks,
  Metrics,
  nestLogger,
  onShutdown,
  reportReady,
  startOpsServer,
} from '@natter/observability'
import { createMessenger } from './messenger.app.js'
import { messengerConfig, optionsOf } from './messenger.config.js'
import { messengerMetrics } from './messenger.metrics.js'

const config = loadConfigOrExit(messengerConfig)
const { host, port } = config.messenger
const logger = createLogger({ level: config.log.level, fields: { node: 'messenger' } })
crashWith(logger)

try {
  const metrics = new Metrics({ labels: { node: 'messenger' } })
  const { sessions } = metrics.register(messengerMetrics)
  const onSession = (outcome: string): void => sessions.add({ outcome })
  const app = await createMessenger({ ...optionsOf(config), onSession }, nestLogger(logger))
  const checks = new HealthChecks()
  const health = app.get(NatterHealth)
  checks.add('mesh', () => (health.check().natter.status === 'up' ? undefined : 'not in the mesh'))
  const ops = await startOpsServer({ ...config.ops, metrics, checks })
  await app.listen({ host, port, exclusive: true }) // and joins the mesh
  const address = await app.getUrl()
  logger.info('messenger:listen', { address, opsPort: ops.port })
  const stop = onShutdown(() => Promise.all([ops.stop(), app.close()]).then(() => metrics.stop()), { logger })
  exitWithSupervisor(() => stop('the supervisor is gone'))
  reportReady({ address, opsPort: ops.port })
} catch (error) {
  logger.error('process:start:failed', { error })
  process.exit(1)
}
