/** docker-compose.dev.yml: the command of a service, run in a copy of the sources that somebody saves a file in. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  freePort,
  leakCheck,
  startNatsServer,
  startProcess,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { readProject, repo } from './compose-file.js'

let noLeaks: () => Promise<void>
let folder: string
let nats: NatsServer
let gateway: StartedProcess | undefined

beforeAll(async () => {
  noLeaks = leakCheck(5_000)
  folder = await checkout()
  nats = await startNatsServer()
}, 60_000)

afterAll(async () => {
  await gateway?.kill()
  await nats.stop()
  await rm(folder, { recursive: true, force: true })
  await noLeaks()
}, 30_000)

/** What the file mounts, and the packages of the image. What is compiled is kept in the copy. */
async function checkout(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'natter-dev-'))
  const isSource = (path: string): boolean => !/\/(test|web|node_modules)$|\.spec\.ts$/.test(path)
  for (const name of ['apps', 'libs', 'tools', 'tsconfig.json'])
    await cp(join(repo, name), join(copy, name), { recursive: true, filter: isSource })
  await mkdir(join(copy, 'node_modules'))
  for (const name of await readdir(join(repo, 'node_modules')))
    if (name !== '.cache') await symlink(join(repo, 'node_modules', name), join(copy, 'node_modules', name))
  return copy
}

describe('docker-compose.dev.yml', () => {
  it('mounts all that the command reads', () => {
    const files = ['docker-compose.yml', 'docker-compose.override.yml', 'docker-compose.dev.yml']
    const { services } = readProject(files, { SECRETS_FOLDER: 'x' })
    const mounted = [
      './apps:/natter/apps:ro',
      './libs:/natter/libs:ro',
      './tools:/natter/tools:ro',
      './tsconfig.json:/natter/tsconfig.json:ro',
    ]
    for (const name of ['gateway', 'persistence', 'messenger', 'provision', 'migrate'])
      expect(services[name]?.volumes).toEqual(expect.arrayContaining(mounted))
  })

  it('runs a saved file without anybody restarting anything', async () => {
    const files = ['docker-compose.yml', 'docker-compose.override.yml', 'docker-compose.dev.yml']
    const { entrypoint = [], command = [] } =
      readProject(files, { SECRETS_FOLDER: 'x' }).services['gateway'] ?? {}
    const port = await freePort()
    gateway = await startProcess({
      command: join(folder, entrypoint[0] ?? ''),
      args: [...entrypoint.slice(1), ...command],
      cwd: folder,
      env: {
        NATTER_GATEWAY_PORT: String(port),
        NATTER_NATS_URL: nats.url,
        NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
      },
    })
    const listens = (line: string): boolean => line.includes('"gateway:listen"')
    await gateway.waitForLine(listens, 40_000)
    expect(await versionAt(port)).toMatch(/ natter$/)
    const seen = gateway.lines.length
    const file = join(folder, 'apps/gateway/src/gateway.version.ts')
    await writeFile(file, (await readFile(file, 'utf8')).replace(" natter'", " saved'"))
    await gateway.waitForLine((line) => listens(line) && (gateway?.lines.indexOf(line) ?? 0) >= seen, 40_000)
    expect(await versionAt(port)).toMatch(/ saved$/)
  }, 90_000)
})

/** What a client is told in the reply to its connect. */
async function versionAt(port: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/connection/websocket`)
  socket.on('open', () => socket.send('{"id":1,"connect":{}}'))
  const reply = await new Promise<string>((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()))
    socket.on('error', reject)
  })
  socket.terminate()
  return (JSON.parse(reply) as { connect: { version: string } }).connect.version
}
