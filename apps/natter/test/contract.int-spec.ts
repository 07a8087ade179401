/** `natter contract` for an app that is never started. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startProcess } from '@natter/testing'
import { repositoryRoot } from '../src/mesh/programs.js'
import { natter, type Ran } from './natter.js'

const root = repositoryRoot()
const app = join(root, 'apps/natter/test/contract-app/app.module.ts')

describe('natter contract', () => {
  let folder: string
  let committed: string
  const contract = (...line: readonly string[]): Promise<Ran> =>
    natter(['contract', ...line], { cwd: folder })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'natter-contract-'))
    committed = join(folder, 'contract')
    expect(await contract(app, '--out', 'contract')).toMatchObject({ code: 0, err: '' })
  }, 30_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('writes both documents, and what no decorator says is told', async () => {
    expect((await readdir(committed)).toSorted()).toEqual(['contract.asyncapi.json', 'contract.openapi.json'])
    const openapi = await readFile(join(committed, 'contract.openapi.json'), 'utf8')
    expect(JSON.parse(openapi)).toMatchObject({
      paths: { '/rpc/rooms.list': { post: { operationId: 'rooms.list' } } },
    })
    const { code, out } = await contract(app)
    expect([code, out]).toEqual([
      0,
      'chat: 1 channel, 1 rpc method, 0 events\n  rpc rooms.list request is anything: Chat.list has no schema\n',
    ])
    const { out: json } = await contract(app, '--json')
    expect(JSON.parse(json)).toMatchObject({
      app: 'chat',
      asyncapi: { asyncapi: '3.0.0' },
      openapi: { openapi: '3.1.0' },
    })
  })

  it('ends with 0 for the same app and for a new optional field, which it names', async () => {
    const same = await contract(app, '--check', 'contract')
    expect([same.code, same.out]).toEqual([0, expect.stringContaining('The contract is as it was committed')])
    const grown = await contract(app, '--export', 'Grown', '--check', 'contract')
    expect([grown.code, grown.out]).toEqual([
      0,
      expect.stringContaining('channel chat::room publish.mood is new.'),
    ])
  })

  it('takes what a forRoot answers for a module: apps are configured so', async () => {
    const { code, out } = await contract(app, '--export', 'Configured', '--check', 'contract')
    expect([code, out]).toEqual([0, expect.stringContaining('The contract is as it was committed')])
  })

  it('ends with 1 for what breaks clients, each thing named, and overwrites nothing', async () => {
    const file = join(committed, 'contract.asyncapi.json')
    const before = await readFile(file, 'utf8')
    const broken = [app, '--export', 'Broken', '--check', 'contract']
    const { code, out, err } = await contract(...broken, '--out', 'contract', '--json')
    expect([code, err]).toEqual([1, ''])
    const { ok, changes, files } = JSON.parse(out) as { ok: boolean; changes: unknown[]; files: string[] }
    expect([ok, files]).toEqual([false, []])
    for (const change of [
      { path: 'channel chat::room publish.room', kind: 'required-field-added', breaking: true },
      { path: 'rpc rooms.list', kind: 'rpc-renamed', breaking: true },
      { path: 'channel chat::room publish.mood', kind: 'field-added', breaking: false },
    ])
      expect(changes).toContainEqual(expect.objectContaining(change))
    expect(await readFile(file, 'utf8')).toBe(before)
    const words = await contract(...broken)
    expect(words.out).toMatch(
      /Breaks clients:\n(  - .*\n)*  - rpc rooms.list is gone; it seems to be rooms.all now\./,
    )
  })

  it('ends with 2 where the line makes no sense, and with 1 where there is no app or no contract', async () => {
    expect((await contract()).code).toBe(2)
    expect((await contract(app, '--chekc', 'contract')).code).toBe(2)
    const absent = await contract('dist/absent.js')
    expect([absent.code, absent.err]).toEqual([1, expect.stringContaining('build the app')])
    const nothing = await contract(app, '--check', 'elsewhere')
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('natter contract --out')])
    await writeFile(join(folder, 'contract.asyncapi.json'), 'merged')
    const spoilt = await contract(app, '--check', '.')
    expect([spoilt.code, spoilt.err]).toEqual([1, expect.stringContaining('is no JSON')])
    const other = await contract(app, '--export', 'Other')
    expect([other.code, other.err]).toEqual([
      1,
      expect.stringContaining('its modules: AppModule, Broken, Configured, Grown'),
    ])
  })

  it('L1: reads an app with the @natter/nest that the app has, wherever it stands', async () => {
    const own = join(folder, 'app', 'node_modules', '@natter', 'nest')
    await mkdir(own, { recursive: true })
    await writeFile(join(own, 'package.json'), '{"type":"module","exports":{".":{"default":"./index.js"}}}')
    const found = { contract: { app: 'own', connect: {}, channels: {}, rpc: {}, events: {} }, gaps: [] }
    await writeFile(
      join(own, 'index.js'),
      `export const contractOf = () => Promise.resolve(${JSON.stringify(found)})`,
    )
    const module = 'Reflect.getMetadata ??= (key, of) => of[key]\nexport class Root { static imports = [] }\n'
    await writeFile(join(folder, 'app', 'root.mjs'), module)
    const args = [join(root, 'apps/natter/src/main.ts'), 'contract', 'app/root.mjs']
    const one = await startProcess({ args, env: { INIT_CWD: folder } }) // a process of its own: Jest finds packages by rules of its own
    expect(await one.exited).toEqual({ code: 0, signal: null })
    expect(one.lines).toEqual(['own: 0 channels, 0 rpc methods, 0 events'])
  })
})
