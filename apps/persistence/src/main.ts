import 'reflect-metadata'
import { loadConfigOrExit } from '@natter/config'
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
  throttle,
} from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { NestFactory } from '@nestjs/core'
import { optionsOf, persistenceConfig } from './config/persistence.config.js'
import { log } from './persistence.logs.js'
import { checkHealth, meter } from './persistence.metrics.js'
import { PersistenceModule } from './persistence.module.js'

/** A supervisor that asks for the end kills after 5 s: say before that what hangs. */
const deadlineMs = 4_500

const config = loadConfigOrExit(persistenceConfig)
const options = optionsOf(config)
const logger = throttle(createLogger({ level: config.log.level, fields: { node: options.name } }))
const onListenerError = (error: unknown): void => logger.error('listener:error', { error })
const events: PersistenceModule['events'] = {
  persistence: new TypedEvents(onListenerError),
  archive: new TypedEvents(onListenerError),
  broker: new TypedEvents(onListenerError),
}
crashWith(logger)
log(logger, events)

try {
  const module = PersistenceModule.register(config, options, events)
  const app = await NestFactory.createApplicationContext(module, {
    logger: nestLogger(logger),
    abortOnError: false,
  })
  const persistence = app.get(PersistenceModule)
  const metrics = new Metrics({ labels: { node: options.name } })
  const checks = new HealthChecks()
  meter(metrics, persistence)
  checkHealth(checks, persistence, options.lagAlarmMs)
  const ops = await startOpsServer({ ...config.ops, metrics, checks })
  logger.info('ops:listen', { host: config.ops.host, port: ops.port })
  const stop = onShutdown(() => Promise.all([ops.stop(), app.close()]).then(() => metrics.stop()), {
    logger,
    deadlineMs,
  })
  exitWithSupervisor(() => stop('the supervisor is gone'))
  reportReady({ opsPort: ops.port })
} catch (error) {
  logger.error('process:start:failed', { error })
  process.exit(1)
}
