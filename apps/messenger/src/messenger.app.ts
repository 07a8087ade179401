import { NestFactory } from '@nestjs/core'
import type { LoggerService } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { MessengerModule, type MessengerOptions } from './messenger.module.js'
import { servePage } from './page/serve-page.js'

/** The largest body this app takes is a name. */
const MAX_BODY_BYTES = 4_096

/** The messenger's HTTP side, ready to listen. */
export async function createMessenger(
  options: MessengerOptions & { pageFolder: string },
  logger: LoggerService | false,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    MessengerModule.forRoot(options),
    new FastifyAdapter({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true }),
    { logger },
  )
  await servePage(app, options.pageFolder, options.gateways)
  return app
}
