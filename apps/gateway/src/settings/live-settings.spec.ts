import { loadConfig } from '@natter/config'
import { TypedEvents } from '@natter/primitives'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayConfig, optionsOf, type GatewayConfig } from '../config/gateway.config.js'
import type { GatewayEvents } from '../gateway.events.js'
import { LiveSettings } from './live-settings.js'

describe('settings of a configuration that is read again', () => {
  let folder: string
  let header: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-live-'))
    header = join(folder, 'header')
    writeFileSync(header, 'first-header\n')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const configOf = (client: object = {}): GatewayConfig => {
    const http = { static_header_files: { 'x-key': header } }
    const rpc = { without_namespace: { proxy_enabled: true }, proxy: { endpoint: 'http://h/rpc', http } }
    const loaded = loadConfig(gatewayConfig, {
      argv: [],
      env: { NATTER_CONFIG: 'file' },
      readFile: () => JSON.stringify({ client: { token_hmac_secret_key: 'a secret', ...client }, rpc }),
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    return loaded.config
  }

  function live() {
    const covered: string[] = []
    const config = configOf()
    const cover = (secrets: readonly string[]): void => void covered.push(...secrets)
    const one = new LiveSettings(config, optionsOf(config), new TypedEvents<GatewayEvents>(() => {}), cover)
    const headers = (): unknown => one.settings.current.httpHooks?.rpc.get('')?.staticHeaders
    return { one, config, covered, headers }
  }

  it('have what files of headers hold now, though the setting that names them is the same; and it is covered', async () => {
    const { one, config, covered, headers } = live()
    writeFileSync(header, 'second-header\n')
    expect((await one.take(config)).changed).toEqual(['static headers of hooks'])
    expect(headers()).toEqual({ 'x-key': 'second-header' })
    expect(covered).toEqual(expect.arrayContaining(['first-header', 'second-header']))
    expect((await one.take(config)).changed).toEqual([])
  })

  it('stay as they are where such a file can not be read, and the problem names it', async () => {
    const { one, headers } = live()
    const { current } = one.settings
    rmSync(header)
    const { problems } = await one.take(configOf({ max_channels: 1 }))
    expect(problems).toMatchObject([{ message: expect.stringContaining(header) }])
    expect(one.settings.current).toBe(current)
    expect(headers()).toEqual({ 'x-key': 'first-header' })
  })

  it('keep their verifier and their name where neither keys nor rules of tokens changed', async () => {
    const { one } = live()
    const { verifier, options } = one.settings.current
    await one.take(configOf({ max_channels: 1 }))
    expect(one.settings.current.verifier).toBe(verifier)
    expect(one.settings.current.options).toMatchObject({ name: options.name, client: { maxChannels: 1 } })
    await one.take(configOf({ token_audience: 'mesh' }))
    expect(one.settings.current.verifier).not.toBe(verifier)
  })

  it('have another verifier where keys of subscription tokens alone changed: who left with the old key would subscribe for good', async () => {
    const { one } = live()
    const { verifier } = one.settings.current
    await one.take(configOf({ subscription_token_hmac_secret_key: 'another secret' }))
    expect(one.settings.current.verifier).not.toBe(verifier)
  })

  it('are compared with what is in effect, not with what was at the start: taking a change back is a change', async () => {
    const { one, config } = live()
    await one.take(configOf({ token_hmac_secret_key: 'another secret' }))
    const { verifier } = one.settings.current
    await one.take(config)
    expect(one.settings.current.verifier).not.toBe(verifier)
  })

  it('are refused as often as a server of keys does not answer: what was tried and left must not stand for keys that are there', async () => {
    const { one } = live()
    const { current } = one.settings
    const away = configOf({ token_jwks_public_endpoint: 'http://127.0.0.1:1/keys' })
    for (const _ of [1, 2]) expect((await one.take(away)).problems).toHaveLength(1)
    expect(one.settings.current).toBe(current)
  })
})
