/** The gateway itself speaks TLS, with files that somebody else renews. */
import { describe, expect, it } from '@jest/globals'
import { Certificates, connectSdk, once } from '@natter/testing'
import { copyFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:tls'
import { WebSocket, type ClientOptions } from 'ws'
import { natsBench } from './bench.js'
import { runningGateway, startGateway } from './gateway-process.js'

/** Of its own signature. */
class TrustingWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols, { rejectUnauthorized: false } satisfies ClientOptions)
  }
}

const fingerprintAt = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })

describe('TLS by the gateway', () => {
  const bench = natsBench()

  const pair = () => {
    const certificates = new Certificates()
    bench.atEnd(() => certificates.remove())
    const files = certificates.make('live')
    const env = {
      NATTER_TLS_CERT_FILE: files.certFile,
      NATTER_TLS_KEY_FILE: files.keyFile,
      NATTER_TLS_LOOK_EVERY: '100ms',
      NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
    }
    return { certificates, files, env }
  }

  it('[1.7] a renewed certificate is shown to new clients; who is connected stays so', async () => {
    const { certificates, files, env } = pair()
    const gateway = await runningGateway(bench, { env })
    const sdk = await connectSdk(gateway.url.replace('ws:', 'wss:'), { websocket: TrustingWebSocket })
    bench.atEnd(() => sdk.dispose())
    const before = await fingerprintAt(gateway.port)
    expect(await gateway.metric('natter_gateway_tls_certificate_expires_seconds{')).toBeGreaterThan(
      Date.now() / 1000,
    )
    const next = certificates.make('next')
    copyFileSync(next.keyFile, files.keyFile)
    copyFileSync(next.certFile, files.certFile)
    await gateway.process.waitForLine(
      (line) => line.includes('"tls:certificate"') && line.includes('CN=next'),
    )
    expect(await fingerprintAt(gateway.port)).not.toBe(before)
    expect(sdk.centrifuge.state).toBe('connected')
    const late = await connectSdk(gateway.url.replace('ws:', 'wss:'), { websocket: TrustingWebSocket })
    bench.atEnd(() => late.dispose())
    expect(await gateway.metric('natter_gateway_connections{')).toBe(2)
  }, 30_000)

  it('[1.7] files that can not be used change nothing: a log line says why, and a metric counts', async () => {
    const { files, env } = pair()
    const gateway = await runningGateway(bench, { env })
    const before = await fingerprintAt(gateway.port)
    writeFileSync(files.certFile, 'garbage')
    await gateway.process.waitForLine(
      (line) => line.includes('"tls:broken"') && line.includes(files.certFile),
    )
    expect(await fingerprintAt(gateway.port)).toBe(before)
    expect(await gateway.metric('natter_gateway_tls_broken_total{')).toBe(1)
  }, 30_000)

  it('[15.2] an address may be long: a token in cf_connect is more than the library takes by itself', async () => {
    const { env } = pair()
    const gateway = await runningGateway(bench, { env })
    const command = JSON.stringify({ id: 1, connect: { data: { long: 'x'.repeat(12_000) } } })
    const path = `/connection/sse?cf_connect=${encodeURIComponent(command)}`
    const sent = request({
      host: '127.0.0.1',
      port: gateway.port,
      path,
      rejectUnauthorized: false,
      agent: false,
    })
    sent.end()
    const answer = await once<IncomingMessage>(sent, 'response')
    bench.atEnd(() => sent.destroy())
    expect(answer.statusCode).toBe(200)
    let text = ''
    while (!text.includes('"connect"')) text += String(await once<Buffer>(answer, 'data'))
  }, 30_000)

  it('does not start with a key alone, or with files that do not fit', async () => {
    const { files, env } = pair()
    const alone = await startGateway(bench, { env: { ...env, NATTER_TLS_CERT_FILE: '' } })
    expect((await alone.process.exited).code).not.toBe(0)
    writeFileSync(files.keyFile, 'garbage')
    const broken = await startGateway(bench, { env })
    expect((await broken.process.exited).code).not.toBe(0)
  }, 30_000)
})
