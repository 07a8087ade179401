import 'reflect-metadata'
import { ConfigReloader, loadConfigOrExit, secretsOf } from '@natter/config'
import { nestLogger, runProcess } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { NestFactory } from '@nestjs/core'
import { gatewayConfig, optionsOf } from './config/gateway.config.js'
import { log } from './gateway.logs.js'
import { checkHealth, meter } from './gateway.metrics.js'
import { GatewayModule } from './gateway.module.js'
import { logHooks } from './hooks/hooks.logs.js'
import { meterHooks } from './hooks/hooks.metrics.js'
import { meterHttpHooks } from './http-hooks/http-hooks.metrics.js'

const config = loadConfigOrExit(gatewayConfig)
const options = optionsOf(config)
const reloader = new ConfigReloader(gatewayConfig, config)

const { deadlineMs } = options.drain

const secrets = secretsOf(gatewayConfig, config)
const about = { name: options.name, log: config.log, ops: config.ops, deadlineMs, secrets }

await runProcess(about, async (logger, cover) => {
  const onListenerError = (error: unknown): void => logger.error('listener:error', { error })
  const events: GatewayModule['events'] = {
    gateway: new TypedEvents(onListenerError),
    broker: new TypedEvents(onListenerError),
    hooks: new TypedEvents(onListenerError),
  }
  log(logger, events)
  logHooks(logger, events.hooks)
  const nest = nestLogger(logger)
  const app = await NestFactory.createApplicationContext(
    GatewayModule.register(config, options, events, nest, cover),
    { logger: nest, abortOnError: false },
  )
  const gateway = app.get(GatewayModule)
  return {
    ready: { port: gateway.port },
    tell: (metrics, checks) => {
      meter(metrics, gateway)
      meterHooks(metrics, gateway.hooks, events.hooks)
      meterHttpHooks(metrics, gateway.gateway.httpHooks, events.gateway)
      checkHealth(checks, gateway)
    },
    stop: async ({ hurry }) => {
      await gateway.end(hurry)
      await app.close()
    },
    reload: {
      run: () =>
        reloader.reload((next) => {
          cover(secretsOf(gatewayConfig, next))
          return gateway.live.take(next)
        }),
      logLevel: () => reloader.current.log.level,
    },
  }
})
