/** The backend and the configuration of docs/operations/http-hooks.md, as people copy them: they work together. */
import { describe, expect, it } from '@jest/globals'
import { loadConfig } from '@natter/config'
import { freePort } from '@natter/testing'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayConfig } from '../src/config/gateway.config.js'
import { httpHooksOf } from '../src/config/proxy-settings.js'
import { namespacesOf } from '@natter/config'
import { memoryBench } from './bench.js'
import { RawClient } from './harness.js'

const page = readFileSync('docs/operations/http-hooks.md', 'utf8')
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''

describe('the example of hooks over HTTP', () => {
  const bench = memoryBench()

  it('answers a gateway that is configured as the page says', async () => {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'natter-hooks-'))
    const file = join(folder, 'hooks.mjs')
    writeFileSync(file, block('js'))
    const backend = spawn(process.execPath, [file], {
      env: { PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    bench.atEnd(async () => {
      backend.kill()
      await once(backend, 'exit')
      rmSync(folder, { recursive: true })
    })
    await once(backend.stdout, 'data')

    const loaded = loadConfig(gatewayConfig, {
      argv: ['--config', 'natter.yaml'],
      env: { NATTER_NATS_URL: 'nats://127.0.0.1:4222' },
      readFile: () => block('yaml').replaceAll(':3000', `:${port}`),
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const node = await bench.start({ httpHooks: httpHooksOf(loaded.config) })
    const { current } = node.settings
    node.settings.replace({ ...current, namespaces: namespacesOf(loaded.config.channel) })

    const stranger = await bench.keep(RawClient.open(node.url))
    stranger.start('connect', {})
    expect(await stranger.close()).toEqual({ code: 4_501, reason: 'who?' })

    const client = await bench.keep(RawClient.open(node.url, { headers: { cookie: 'session=1' } }))
    await client.call('connect', {})
    expect((await client.call('subscribe', { channel: 'inbox:ben' }))['error']).toMatchObject({ code: 403 })
    expect(await client.call('subscribe', { channel: 'inbox:ana' })).toHaveProperty('subscribe')
    await client.call('publish', { channel: 'inbox:ana', data: { text: 'hello' } })
    const [publication] = await client.until(
      () => client.publications('inbox:ana').length > 0 && client.publications('inbox:ana'),
      'the publication',
    )
    expect(publication?.['data']).toEqual({ from: 'ana', text: 'hello' })
    for (const data of [null, 7, {}, { text: 1 }])
      expect((await client.call('publish', { channel: 'inbox:ana', data }))['error']).toMatchObject({
        code: data === null ? 107 : 400,
      })
    const bytes = await fetch(`http://127.0.0.1:${port}/natter/publish`, {
      method: 'POST',
      headers: { 'x-natter-key': 'change-me' },
      body: JSON.stringify({ user: 'ana', channel: 'inbox:ana', b64data: 'AQL/' }), // as of a Protobuf client
    })
    expect(await bytes.json()).toMatchObject({ error: { code: 400 } })
    const { rpc } = await client.call('rpc', { method: 'echo', data: [1] })
    expect(rpc).toEqual({ data: { echo: [1] } })
  })
})
