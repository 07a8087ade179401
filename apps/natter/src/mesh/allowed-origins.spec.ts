import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allowedOrigins } from './allowed-origins.js'

const page = ['http://localhost:8000']

describe('allowedOrigins', () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'natter-origins-'))
  })

  afterEach(() => {
    rmSync(root, { recursive: true, force: true })
  })

  const write = (text: string, name = 'natter.yaml'): void => writeFileSync(join(root, name), text)
  const told = (env: NodeJS.ProcessEnv = {}) =>
    allowedOrigins(root, page, env)['NATTER_CLIENT_ALLOWED_ORIGINS']

  it.each([
    ['there is no file', undefined],
    ['the file is empty', ''],
    ['the file says nothing of it', 'client: { allow_anonymous: true }'],
    ['it has no value there', 'client: { allowed_origins: }'],
  ])('are those of the page when %s', (_, text) => {
    if (text !== undefined) write(text)
    expect(told()).toBe('http://localhost:8000')
  })

  it.each([
    ['a list', 'client: { allowed_origins: ["http://localhost:5173", "https://*.example.org"] }'],
    ['text', 'client: { allowed_origins: "http://localhost:5173, https://*.example.org" }'],
  ])('are also those that the file gives as %s, which the variable would hide', (_, text) => {
    write(text)
    expect(told()).toBe('http://localhost:8000,http://localhost:5173,https://*.example.org')
  })

  it('are those of the file that NATTER_CONFIG names', () => {
    write('client: { allowed_origins: [http://a.example] }')
    write('client: { allowed_origins: [http://b.example] }', 'other.yaml')
    expect(told({ NATTER_CONFIG: 'other.yaml' })).toBe('http://localhost:8000,http://b.example')
  })

  it('are those of the environment where it has some, as everywhere', () => {
    write('client: { allowed_origins: [http://a.example] }')
    const origins = 'http://b.example, http://c.example'
    expect(told({ NATTER_CLIENT_ALLOWED_ORIGINS: origins })).toBe(
      'http://localhost:8000,http://b.example,http://c.example',
    )
    expect(told({ NATTER_CLIENT_ALLOWED_ORIGINS: '' })).toBe('http://localhost:8000,http://a.example')
  })

  it.each([
    ['is no YAML', 'client: ['],
    ['has another kind of value', 'client: { allowed_origins: { a: 1 } }'],
    ['has other items', 'client: { allowed_origins: [1] }'],
  ])('are left to the gateway, which says what is wrong, when the file %s', (_, text) => {
    write(text)
    expect(told()).toBeUndefined()
  })
})
