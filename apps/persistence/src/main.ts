import 'reflect-metadata'
import { ConfigReloader, loadConfigOrExit, namespacesOf, secretsOf } from '@natter/config'
import { nestLogger, runProcess } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { NestFactory } from '@nestjs/core'
import { optionsOf, persistenceConfig } from './config/persistence.config.js'
import { log } from './persistence.logs.js'
import { checkHealth, meter } from './persistence.metrics.js'
import { PersistenceModule } from './persistence.module.js'

const config = loadConfigOrExit(persistenceConfig)
const options = optionsOf(config)
const reloader = new ConfigReloader(persistenceConfig, config)
const secrets = secretsOf(persistenceConfig, config)
const about = { name: options.name, log: config.log, ops: config.ops, secrets }

await runProcess(about, async (logger) => {
  const onListenerError = (error: unknown): void => logger.error('listener:error', { error })
  const events: PersistenceModule['events'] = {
    persistence: new TypedEvents(onListenerError),
    archive: new TypedEvents(onListenerError),
    broker: new TypedEvents(onListenerError),
  }
  log(logger, events)
  const module = PersistenceModule.register(config, options, events)
  const app = await NestFactory.createApplicationContext(module, {
    logger: nestLogger(logger),
    abortOnError: false,
  })
  const persistence = app.get(PersistenceModule)
  return {
    tell: (metrics, checks) => {
      meter(metrics, persistence)
      checkHealth(checks, persistence, options.lagAlarmMs)
    },
    stop: () => app.close(),
    reload: {
      run: () =>
        reloader.reload(({ channel }, changed) => {
          if (changed.some((key) => key.startsWith('channel.')))
            persistence.persistence.use(namespacesOf(channel))
          return {}
        }),
      logLevel: () => reloader.current.log.level,
    },
  }
})
