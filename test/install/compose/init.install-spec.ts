import { afterEach, describe, expect, it } from '@jest/globals'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readProject, repo } from './compose-file.js'
import { initialized, type Clone } from './initialized.js'

const clones: Clone[] = []
const fresh = async (...args: readonly string[]): Promise<Clone> => {
  const clone = await initialized(...args)
  clones.push(clone)
  return clone
}

afterEach(() =>
  Promise.all(clones.splice(0).map(({ folder }) => rm(folder, { recursive: true, force: true }))),
)

async function envOf({ folder }: Clone): Promise<Record<string, string>> {
  const lines = (await readFile(join(folder, '.env'), 'utf8')).split('\n').filter((line) => /^\w/.test(line))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

describe('deploy/compose/init', () => {
  it('makes every secret that the files name, and an .env that they can be read with', async () => {
    for (const args of [[], ['--nats', '3'], ['--dev']]) {
      const clone = await fresh(...args)
      const env = await envOf(clone)
      const files = (env['COMPOSE_FILE'] ?? '').split(':')
      expect(files.filter((file) => !existsSync(join(repo, file)))).toEqual([])
      for (const { file } of Object.values(readProject(files, env).secrets))
        expect([file, existsSync(join(clone.folder, file))]).toEqual([file, true])
    }
  })

  it('makes other secrets for each clone, long ones', async () => {
    const [one, other] = [await fresh(), await fresh()]
    for (const name of await readdir(one.secrets)) {
      const text = await one.secret(name)
      expect(text).not.toBe(await other.secret(name))
      expect(text).toMatch(/[0-9a-f]{48}/)
    }
  })

  it('makes another one for each: who has the password of an app is no gateway', async () => {
    const clone = await fresh('--nats', '3')
    const names = ['token_key', 'nats_gateway', 'nats_persistence', 'nats_app', 'postgres_password']
    const texts = await Promise.all([...names, 'nats_cluster'].map((name) => clone.secret(name)))
    const passwords = texts.map((text) => /[0-9a-f]{48}/.exec(text)?.[0])
    expect(new Set(passwords).size).toBe(6)
  })

  it('hides them from the other users of the machine, and lets the users of the containers read them', async () => {
    const { secrets } = await fresh()
    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
    expect(await modeOf(secrets)).toBe(0o700)
    for (const name of await readdir(secrets)) expect(await modeOf(join(secrets, name))).toBe(0o444)
  })

  it('changes nothing that is there, because Postgres and clients know the old ones', async () => {
    const clone = await fresh()
    const contents = async (): Promise<string[]> => {
      const names = await readdir(clone.secrets)
      return Promise.all([
        ...names.map((name) => clone.secret(name)),
        readFile(join(clone.folder, '.env'), 'utf8'),
      ])
    }
    const before = await contents()
    await rm(join(clone.secrets, 'nats_users'))
    const { stderr } = await clone.init('--url', 'https://elsewhere.example')
    expect(await contents()).toEqual(before)
    expect(stderr).toContain('What was asked for is not in it: PUBLIC_ORIGIN=https://elsewhere.example\n')
    expect(stderr).not.toContain('COMPOSE_FILE')
  })

  it('says which password NATS would not know, where one alone was deleted', async () => {
    const clone = await fresh()
    await rm(join(clone.secrets, 'nats_app'))
    expect((await clone.init()).stderr).toContain("NATS won't know deploy/compose/secrets/nats_app")
    await Promise.all(
      ['app', 'gateway', 'persistence', 'users', 'cluster'].map((name) =>
        rm(join(clone.secrets, `nats_${name}`)),
      ),
    )
    expect((await clone.init()).stderr).not.toContain('know')
  })

  it('makes no empty passwords where nothing random can be had', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'natter-bin-'))
    const script = join(folder, 'deploy/compose/init')
    await cp(join(repo, 'deploy/compose/init'), script)
    await writeFile(join(folder, 'od'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
    const run = promisify(execFile)(script, [], { env })
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('No passwords') })
    expect(existsSync(join(folder, '.env'))).toBe(false)
    await rm(folder, { recursive: true })
  })

  it('takes the address where browsers find it', async () => {
    const env = await envOf(await fresh('--url', 'https://chat.example.com/'))
    expect(env).toMatchObject({
      PUBLIC_ORIGIN: 'https://chat.example.com',
      PUBLIC_WS: 'wss://chat.example.com',
    })
  })

  it('refuses what it does not know, before it has made anything', async () => {
    await expect(initialized('--nats', '4')).rejects.toMatchObject({ code: 2 })
    await expect(initialized('--url', 'chat.example.com')).rejects.toMatchObject({ code: 2 })
    await expect(initialized('--url', 'https://example.com/chat')).rejects.toMatchObject({ code: 2 })
  })

  it('refuses so from wherever it is called, and says what it knows', async () => {
    const { folder } = await fresh()
    await rm(join(folder, '.env'))
    const called = promisify(execFile)('./init', ['--nats', '4'], { cwd: join(folder, 'deploy/compose') })
    await expect(called).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--nats   1 or 3 servers') as unknown,
    })
    expect(existsSync(join(folder, '.env'))).toBe(false)
  })
})
