import 'reflect-metadata'
import { loadConfigOrExit } from '@natter/config'
import { TypedEvents } from '@natter/primitives'
import { NestFactory } from '@nestjs/core'
import { gatewayConfig } from './gateway.config.js'
import { GatewayModule } from './gateway.module.js'

const config = loadConfigOrExit(gatewayConfig)
const events = { gateway: new TypedEvents<never>(), broker: new TypedEvents<never>() }
const app = await NestFactory.createApplicationContext(GatewayModule.register(config, events), {
  logger: false,
})
app.enableShutdownHooks(['SIGTERM', 'SIGINT'])
process.send?.({ type: 'ready', details: { port: config.gateway.port } })
