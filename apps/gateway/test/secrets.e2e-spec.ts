/** Every secret of a gateway is planted, and then all that it prints and shows is looked through, whatever goes wrong. */
import { describe, expect, it } from '@jest/globals'
import type { SettingInfo } from '@natter/config'
import { freePort, startNatsServer, typescriptArgs } from '@natter/testing'
import { SignJWT } from 'jose'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayConfig } from '../src/config/gateway.config.js'
import { natsBench } from './bench.js'
import { runningGateway, startGateway, type GatewayProcess } from './gateway-process.js'
import { RawClient } from './harness.js'

/** Each has characters that addresses, JSON and shells write in another way. */
const planted = (name: string): string => `pLaNtEd ${name} w"ö\\rd/+?=&%41`

/** All that the gateway has, but for those of which there is only one kind that works: keys that are public, the way into Postgres. */
const isPlanted = ({ path, envFile }: SettingInfo): boolean =>
  envFile !== undefined && !/public_key$|^postgres\.|^nats\.token$/.test(path)

const secrets = Object.fromEntries(
  gatewayConfig.settings.filter(isPlanted).map(({ path }) => [path, planted(path)]),
)
const secretOf = (path: string): string => secrets[path] ?? ''
const header = 'pLaNtEd-header/+=41' // as a header can have it
const [jwksUser, jwksKey] = [planted('jwks'), planted('query')]
const everyOne = [...Object.values(secrets), header, jwksUser, jwksKey]

const envOf = (path: string): string => `NATTER_${path.replaceAll('.', '_').toUpperCase()}`

const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('base64url'),
]

function expectNone(said: string): void {
  for (const form of everyOne.flatMap(formsOf)) expect(said).not.toContain(form)
  expect(said).not.toContain('pLaNtEd') // nor half of one
}

const outputOf = ({ process }: GatewayProcess): string => process.lines.join('\n')

describe('[24.3] secrets that are planted in a gateway', () => {
  const bench = natsBench()

  function folder(): (name: string, text: string) => string {
    const path = mkdtempSync(join(tmpdir(), 'natter-secrets-'))
    bench.atEnd(() => rmSync(path, { recursive: true }))
    return (name, text) => {
      writeFileSync(join(path, name), text)
      return join(path, name)
    }
  }

  /** A NATS that wants the planted password. */
  async function guardedNats(): Promise<string> {
    const config = `authorization { user: natter, password: ${JSON.stringify(secretOf('nats.password'))} }`
    const nats = await startNatsServer({ config })
    bench.atEnd(() => nats.stop())
    return nats.url
  }

  /** What no setting of its own carries: hooks and a server of keys with secrets in their addresses, where nobody listens. */
  async function unreachable(): Promise<object> {
    const address = `http://ana:${encodeURIComponent(jwksUser)}@127.0.0.1:${await freePort()}`
    const endpoint = `${address}/keys?key=${encodeURIComponent(jwksKey)}`
    const hook = { endpoint, http: { static_headers: { 'x-key': header } } }
    return {
      client: {
        token_jwks_public_endpoint: endpoint,
        proxy: { connect: { enabled: true, ...hook } },
      },
      rpc: { without_namespace: { proxy_enabled: true }, proxy: hook },
      channel: { namespaces: [{ name: 'chat', allow_subscribe_for_client: true }] },
      log: { level: 'debug' },
    }
  }

  /** Everything a stranger can make it say. */
  async function trouble(gateway: GatewayProcess): Promise<void> {
    const sign = (key: string, header_: object = {}): Promise<string> =>
      new SignJWT({ sub: 'ana' })
        .setProtectedHeader({ alg: 'HS256', ...header_ })
        .sign(new TextEncoder().encode(key))
    const ana = await bench.keep(RawClient.open(gateway.url))
    expect(
      await ana.call('connect', { token: await sign(secretOf('client.token_hmac_secret_key')) }),
    ).toHaveProperty('connect')
    await ana.call('subscribe', { channel: '$chat:a', token: planted('token') })
    await ana.call('rpc', { method: 'm', data: {} })
    const keyless = { alg: 'ES256', kid: 'one' } // makes it ask the server of keys
    const odd = [
      planted('token'),
      `${Buffer.from(JSON.stringify(keyless)).toString('base64url')}.e30.${Buffer.alloc(64).toString('base64url')}`,
      '',
    ]
    for (const token of odd) {
      const ben = await bench.keep(RawClient.open(gateway.url))
      ben.start('connect', token === '' ? {} : { token })
      await ben.until(() => ben.closed ?? ben.received.length > 0, 'a refusal')
    }
    for (const path of ['/health', '/health/ready', '/health/live', '/metrics', '/']) {
      const page = await fetch(gateway.ops + path)
      expectNone((await page.text()) + JSON.stringify([...page.headers]))
    }
  }

  it('are many: or this would look for nothing', () => {
    expect(Object.keys(secrets).length).toBeGreaterThan(4)
  })

  it.each(['env', 'file', 'flag'] as const)(
    'by %s are never printed nor shown, whatever goes wrong',
    async (way) => {
      const write = folder()
      const sound = JSON.stringify(await unreachable())
      const config = write('natter.yaml', sound)
      const env: Record<string, string> = {
        NATTER_NATS_URL: await guardedNats(),
        NATTER_NATS_USER: 'natter',
        NATTER_CONFIG: config,
      }
      const args: string[] = []
      for (const [path, secret] of Object.entries(secrets)) {
        if (way === 'env') env[envOf(path)] = secret
        else if (way === 'file') env[`${envOf(path)}_FILE`] = write(path, `${secret}\n`)
        else args.push(`--${path}`, secret)
      }
      const crash = `process.on('SIGUSR2', () => { throw new Error('broke on ' + process.env.NATTER_NATS_PASSWORD) })`
      const nodeArgs = [...typescriptArgs, '--import', `data:text/javascript,${encodeURIComponent(crash)}`]
      const gateway = await runningGateway(bench, { env, args, nodeArgs: way === 'env' ? nodeArgs : [] })
      await trouble(gateway)
      if (way === 'flag') {
        expectNone(readFileSync(`/proc/${gateway.process.pid}/cmdline`, 'utf8'))
      }
      write('natter.yaml', `client: { token_hmac_secret_key: "${planted('broken')}\n`)
      process.kill(gateway.process.pid, 'SIGHUP')
      await gateway.process.waitForLine((line) => line.includes('config:reload:refused'))
      if (way === 'env') {
        process.kill(gateway.process.pid, 'SIGUSR2')
        expect((await gateway.process.exited).code).toBe(1)
        expect(outputOf(gateway)).toContain('"process:crash"')
      } else expect((await gateway.process.kill('SIGTERM')).code).toBe(0)
      expect(outputOf(gateway)).toContain('token:keys:failed')
      expectNone(outputOf(gateway))
    },
  )

  it('are not printed by a start that fails: refused by NATS, a broken TLS key, wrong values; nor by --print-config', async () => {
    const write = folder()
    const url = await guardedNats()
    const withSecrets = Object.fromEntries(
      Object.entries(secrets).map(([path, secret]) => [envOf(path), secret]),
    )
    const password = {
      NATTER_NATS_USER: 'natter',
      NATTER_NATS_PASSWORD: planted('wrong'),
      NATTER_NATS_CONNECT_TIMEOUT: '1s',
    }
    const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(planted('pem')).toString('base64')}\n-----END PRIVATE KEY-----\n`
    const [key, cert] = [write('tls.key', pem), write('tls.crt', pem)]
    const broken = write(
      'broken.yaml',
      `client:\n  token_hmac_secret_key: [${JSON.stringify(planted('list'))}]\nnats: ${JSON.stringify(planted('section'))}\n`,
    )
    const starts: readonly (readonly [env: Record<string, string>, args?: string[]])[] = [
      [{ ...withSecrets, ...password, NATTER_NATS_URL: url }],
      [
        {
          ...withSecrets,
          NATTER_NATS_TOKEN: planted('token'),
          NATTER_NATS_PASSWORD: '',
          NATTER_NATS_URL: url,
          NATTER_NATS_CONNECT_TIMEOUT: '1s',
        },
      ],
      [
        {
          ...withSecrets,
          NATTER_NATS_URL: url.replace('//', `//natter:${encodeURIComponent(planted('url'))}@`),
          NATTER_NATS_PASSWORD: '',
          NATTER_NATS_CONNECT_TIMEOUT: '1s',
        },
      ],
      [{ NATTER_TLS_KEY_FILE: key, NATTER_TLS_CERT_FILE: cert }],
      [
        {
          ...withSecrets,
          NATTER_CONFIG: broken,
          NATTER_CLIENT_TOKEN_RSA_PUBLIC_KEY: planted('rsa'),
          NATTER_CLIENT_TOKEN_HMAC_SECRET: planted('typo'),
        },
        [`--client.token_hmac_secret=${planted('flag')}`],
      ],
      [
        { ...withSecrets, NATTER_CONFIG: write('sound.yaml', JSON.stringify(await unreachable())) },
        ['--print-config'],
      ],
      [{ NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY_FILE: write('empty', '') }],
    ]
    const ended = await Promise.all(
      starts.map(async ([env, args = []]) => {
        const gateway = await startGateway(bench, { env, args })
        const { code } = await gateway.process.exited
        expectNone(outputOf(gateway))
        return code
      }),
    )
    expect(ended).toEqual([1, 1, 1, 1, 78, 0, 78])
  })
})
