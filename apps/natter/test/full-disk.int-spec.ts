import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { isAlive } from '../src/process/process-identity.js'
import { MeshSite } from './running-mesh.js'

/**
 * Greets like nats-server, and in its first life says twice a second that its disk is full, as the real one does at each publish until
 * it is restarted, however much room there is.
 */
const fullServer = `#!${process.execPath}
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { createServer } = require('node:net')
const config = readFileSync(process.argv[process.argv.indexOf('--config') + 1], 'utf8')
const port = Number(/listen: ".*:(\\d+)"/.exec(config)[1])
mkdirSync(/store_dir: "(.*)"/.exec(config)[1], { recursive: true })
createServer((socket) => socket.on('error', () => {}).write('INFO {}\\r\\n')).listen(port, '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
const marker = __filename + '.started'
if (!existsSync(marker)) {
  const words = "JetStream failed to store a msg on stream '$G > NATTER_CH_0': write 1.blk: no space left on device"
  setInterval(() => console.error('[1] 2026/11/21 13:03:18.329717 [ERR] ' + words), 500)
}
writeFileSync(marker, '')
`

describe('an embedded nats-server that keeps the error of a full disk', () => {
  let site: MeshSite
  let programs: string

  beforeEach(async () => {
    site = await MeshSite.open()
    programs = mkdtempSync(join(tmpdir(), 'natter-full-'))
  })

  afterEach(async () => {
    await site.clear()
    rmSync(programs, { recursive: true, force: true })
  })

  it('is restarted once its disk has room, and nobody else is', async () => {
    const server = join(programs, 'nats-server.cjs')
    writeFileSync(server, fullServer, { mode: 0o755 })
    const mesh = site.start({ env: { NATTER_NATS_SERVER: server } })
    await mesh.ready()
    const [gateway, before] = [mesh.process('gateway-1'), mesh.process('nats-server')]
    await mesh.says("NATS can't store, its disk is full")
    await mesh.says(/There is room again: it is restarted[^]*nats +stopped[^]*nats +ready/)
    expect(isAlive(before)).toBe(false)
    expect(isAlive(mesh.process('nats-server'))).toBe(true)
    expect(isAlive(gateway)).toBe(true)
  }, 60_000)
})
