/** Of all settings of all apps: what is secret by its name or its kind is never shown, wherever it comes from. */
import { describe, expect, it } from '@jest/globals'
import { loadConfig, printConfig, secretsOf, type ConfigDefinition, type SettingInfo } from '@natter/config'
import { provisionConfig } from '../apps/gateway/src/config/provision.config.js'
import { migrateConfig } from '../apps/persistence/src/config/migrate.config.js'
import { configurations } from './reference/declarations.js'

const definitions = [...configurations, provisionConfig, migrateConfig] as readonly ConfigDefinition[]

/** Words that say "secret" at the end of a name. What is public says so, and a file's name is no secret. */
const isSecretName = (key: string): boolean =>
  /(^|_)(key|keys|secret|password|passphrase|token|credentials)$/.test(key) && !key.endsWith('public_key')

const infos = definitions.flatMap(({ app, settings }) => settings.map((info) => ({ app, info })))
const named = infos.filter(({ info }) => isSecretName(info.key))

const planted = 'pLaNtEd word/+?=&%41"\\é'

/** A value of a secret setting that holds the planted text, if there is one that its schema takes. */
const valueOf = ({ setting }: SettingInfo): string =>
  setting.example.includes('://') ? `postgres://ana:${encodeURIComponent(planted)}@h/db` : planted

/** Without which an app says that it misses them, and prints nothing. */
const needed: readonly (readonly [path: string, value: string])[] = [
  ['client.token_hmac_secret_key', 'another secret of tokens'],
  ['client.subscription_token_hmac_secret_key', 'one more of them'],
  ['postgres.url', 'postgres://h/db'],
  ['messenger.gateways', 'ws://h'],
  ['messenger.token_secret', 'a secret of the messenger'],
]

const neededBeside = ({ settings }: ConfigDefinition, tested: SettingInfo): string[] =>
  needed
    .filter(([path]) => path !== tested.path && settings.some((info) => info.path === path))
    .map(([path, value]) => `--${path}=${value}`)

const formsOfPlanted = [
  planted,
  encodeURIComponent(planted),
  JSON.stringify(planted).slice(1, -1),
  Buffer.from(planted).toString('base64').replace(/=+$/, ''),
  'pLaNtEd',
]

describe('the settings of all apps', () => {
  it('are many, and some of them are secret: or this file would look at nothing', () => {
    expect(infos.length).toBeGreaterThan(100)
    expect(named.length).toBeGreaterThan(6)
  })

  it.each(named.map(({ app, info }) => [`${info.path} of ${app}`, info] as const))(
    '%s is never shown and may come from a file, as its name says',
    (_, { setting, envFile }) => {
      expect(setting.shown).toBe(false)
      expect(envFile).toBeDefined()
    },
  )

  it.each(
    infos
      .filter(({ info }) => !info.setting.shown)
      .map(({ app, info }) => [`${info.path} of ${app}`, app, info] as const),
  )(
    '%s is told to nobody: not in what is printed, not in a problem, of whatever source; and the veil knows it',
    (_, app, info) => {
      const definition = definitions.find((one) => one.app === app)
      if (definition === undefined) throw new Error('it was there')
      const value = valueOf(info)
      const [section = '', key = ''] = info.path.split('.')
      const sources = [
        { argv: [`--${info.path}=${value}`], env: {} },
        { argv: [], env: { [info.env]: value } },
        ...(info.envFile === undefined ? [] : [{ argv: [], env: { [info.envFile]: '/secret' } }]),
        { argv: [], env: { NATTER_CONFIG: '/file' } },
      ]
      const readFile = (path: string): string =>
        path === '/secret' ? value : JSON.stringify({ [section]: { [key]: value } })
      const isPublic = info.key.endsWith('public_key') // and has to be one
      for (const { argv, env } of sources) {
        for (const broken of [[], ['--log.level=loud'], ['--log.levle=loud']]) {
          const loaded = loadConfig(definition, {
            argv: [...argv, ...neededBeside(definition, info), ...broken],
            env,
            readFile,
          })
          const said = loaded.ok ? printConfig(app, loaded.effective) : JSON.stringify(loaded.problems)
          for (const form of formsOfPlanted) expect(said).not.toContain(form)
          expect(loaded.ok).toBe(broken.length === 0 && !isPublic)
          if (loaded.ok) expect(secretsOf(definition, loaded.config)).toContain(planted)
        }
      }
    },
  )
})
