import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { natter } from '../../test/natter.js'

describe('settings', () => {
  let folder: string
  const write = (text: string): void => writeFileSync(join(folder, 'natter.yaml'), text)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-settings-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are checked as at a start: all problems at once, each with what would do, and 1', async () => {
    write('gateway:\n  prot: 1\nclient:\n  ping_interval: soon\n')
    const { code, out, err } = await natter(['check-config'], {
      cwd: folder,
      env: { NATTER_GATEWAY_PORT: '99999' },
    })
    expect([code, err]).toEqual([1, ''])
    expect(out).toContain(`Read ${join(folder, 'natter.yaml')} and the environment.`)
    expect(out).toContain('gateway would not start: 3 problems')
    for (const part of ['Did you mean', 'client.ping_interval', 'NATTER_GATEWAY_PORT=8001'])
      expect(out).toContain(part)
  })

  it('are in order where nothing is wrong, for each process by its own rules', async () => {
    write('client:\n  allow_anonymous: true\n')
    expect(await natter(['check-config'], { cwd: folder })).toMatchObject({ code: 0 })
    const all = await natter(['check-config', '--app', 'all', '--json'], { cwd: folder })
    expect(all.code).toBe(1)
    expect(JSON.parse(all.out)).toMatchObject({
      ok: false,
      file: join(folder, 'natter.yaml'),
      apps: [
        { app: 'gateway', ok: true, problems: [] },
        { app: 'persistence', ok: false, problems: [{ key: 'postgres.url', env: 'NATTER_POSTGRES_URL' }] },
        { app: 'messenger', ok: false },
      ],
    })
  })

  it('take a named file and flags of the app, as the app does', async () => {
    writeFileSync(join(folder, 'other.yaml'), 'client:\n  allow_anonymous: true\n')
    const line = ['check-config', '--config', 'other.yaml', '--', '--gateway.port', 'x']
    const { code, out } = await natter(line, { cwd: folder })
    expect(code).toBe(1)
    expect(out).toContain('gateway.port must be a port')
    const absent = await natter(['check-config', '--config', 'absent.yaml'], { cwd: folder })
    expect([absent.code, absent.out]).toEqual([1, expect.stringContaining('absent.yaml')])
  })

  it('are shown with where each comes from, and no secret', async () => {
    const env = { NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: 'hunter2-hunter2', NATTER_GATEWAY_PORT: '9001' }
    const text = await natter(['print-config'], { cwd: folder, env })
    expect(text.code).toBe(0)
    expect(text.out).toMatch(/port: 9001 +# env NATTER_GATEWAY_PORT/)
    const json = await natter(['print-config', '--json'], { cwd: folder, env })
    const { settings } = JSON.parse(json.out) as { settings: { key: string; value: unknown; from: string }[] }
    expect(settings.find(({ key }) => key === 'gateway.port')).toEqual({
      key: 'gateway.port',
      value: 9001,
      from: 'env',
      name: 'NATTER_GATEWAY_PORT',
    })
    expect(settings.find(({ key }) => key === 'client.ping_interval')).toMatchObject({ from: 'default' })
    expect(text.out + json.out).not.toContain('hunter2')
  })

  it('that are wrong are told in place of being shown', async () => {
    const { code, out, err } = await natter(['print-config', '--json'], { cwd: folder })
    expect([code, out]).toEqual([1, ''])
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'settings' } })
    expect(err).toContain('client.token_hmac_secret_key')
  })
})
