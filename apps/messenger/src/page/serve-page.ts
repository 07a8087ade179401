import fastifyStatic from '@fastify/static'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { join, sep } from 'node:path'
import { securityHeaders } from './security-headers.js'

/** Vite names what it builds after its content, so those files never change; the page that names them may, at any time. */
const FOR_EVER = 'public, max-age=31536000, immutable'
const ASK_AGAIN = 'no-cache'

/** Serves the built page, and puts the security headers on every answer. */
export async function servePage(
  app: NestFastifyApplication,
  folder: string,
  gateways: readonly string[],
): Promise<void> {
  const headers = securityHeaders(gateways)
  const assets = join(folder, 'assets') + sep
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (_request, reply) => {
      reply.headers(headers)
    })
  await app.register(fastifyStatic, {
    root: folder,
    cacheControl: false,
    setHeaders: (reply, path) => {
      void reply.header('cache-control', path.startsWith(assets) ? FOR_EVER : ASK_AGAIN)
    },
  })
}
