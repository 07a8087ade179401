import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

// for HTTP routes as well: NestFactory.create(AppModule, …) and app.listen(…)
const app = await NestFactory.createApplicationContext(AppModule, { abortOnError: false })
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true })
