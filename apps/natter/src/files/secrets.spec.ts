import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openSecrets } from './secrets.js'

describe('the secrets of a data folder', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-secrets-'))
    file = join(folder, 'secrets.json')
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  it('stay the same, because tokens and data were made with them', () => {
    expect(openSecrets(file)).toEqual(openSecrets(file))
  })

  it('are completed when the file is older than one of them, and the others stay', () => {
    writeFileSync(file, JSON.stringify({ tokenHmacSecretKey: 'old' }), { mode: 0o600 })
    const secrets = openSecrets(file)
    expect(secrets.tokenHmacSecretKey).toBe('old')
    expect(secrets.postgresPassword).toMatch(/^[\w-]{40,}$/)
    expect(openSecrets(file)).toEqual(secrets)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('never hold a password that would need quoting in SQL or in a URL', () => {
    writeFileSync(file, JSON.stringify({ tokenHmacSecretKey: 'old', postgresPassword: "o'clock@" }))
    expect(openSecrets(file).postgresPassword).toMatch(/^[\w-]+$/)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(openSecrets(file))
  })

  it('appear whole or not at all, and a file that was cut short is named with what to do', () => {
    writeFileSync(file, '{"tokenHmacSecretKey": "ab')
    expect(() => openSecrets(file)).toThrow(`${file} can't be read as secrets`)
    writeFileSync(file, 'null')
    expect(() => openSecrets(file)).toThrow(file)
    rmSync(file)
    openSecrets(file)
    expect(readdirSync(folder)).toEqual(['secrets.json'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})
