/** Where the server API is, and what opens it: flags, else settings, else the mesh of this machine. */
import { UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import { address } from '../cli/values.js'
import type { Terminal } from '../cli/terminal.js'
import type { ApiAccess } from '../api-client/api-client.js'
import { host, planPorts } from '../port-plan.js'
import { readNamed } from './files.js'
import { apiKey, apiKeyFile, apiUrl, timeout } from './flags.js'
import { basePortOf, dataFolderOf, localSecrets } from './local-mesh.js'
import { onlySections, readSettings, settingsOf, sound } from './settings.js'

/** @throws InvalidError `settings`; UsageError. */
export async function apiAccess(given: Given, terminal: Terminal): Promise<ApiAccess> {
  const settings = await apiSettings(given, terminal)
  const key = keyOf(given, terminal, settings)
  return {
    url: withPath(urlOf(given, terminal, settings)),
    ...(key === undefined ? {} : { key }),
    timeoutMs: given.of(timeout),
  }
}

interface ApiSettings {
  readonly key?: unknown
  /** Undefined: the settings don't say. */
  readonly url?: string
  readonly defaultUrl: string
}

/** Read only where they are wanted: who gives all by flags isn't stopped by a file that is broken. */
async function apiSettings(given: Given, terminal: Terminal): Promise<ApiSettings> {
  const hasKey = given.has(apiKey) || given.has(apiKeyFile)
  const hasUrl = given.has(apiUrl) || Boolean(terminal.env['NATTER_API_URL'])
  if (hasKey && hasUrl) return { defaultUrl: '' }
  const app = onlySections(await settingsOf('gateway'), ['http_api', 'gateway'])
  const { config, origins } = sound(app.lib, readSettings(app, given, terminal))
  const isExternal = config['http_api']?.['external'] === true
  const section = isExternal ? 'gateway' : 'http_api'
  const { host: at, port } = config[section] ?? {}
  const url = `http://${hostIn(at)}:${String(port)}`
  const isSaid = [`${section}.port`, `${section}.host`].some((key) => origins[key]?.from !== 'default')
  return { key: config['http_api']?.['key'], defaultUrl: url, ...(isSaid ? { url } : {}) }
}

function keyOf(given: Given, terminal: Terminal, settings: ApiSettings): string | undefined {
  if (given.has(apiKey) && given.has(apiKeyFile))
    throw new UsageError(['--api-key and --api-key-file: keep one of them.'], given.name)
  const path = given.of(apiKeyFile)
  if (path !== undefined) return readNamed(apiKeyFile.name, path, terminal)
  const typed = given.of(apiKey)
  if (typed !== undefined) {
    terminal.warn(
      'secret-in-sight',
      'A key in a flag is seen by whoever lists the processes of this machine, and kept by the shell: take --api-key-file.',
    )
    return typed
  }
  const { key } = settings
  return typeof key === 'string' ? key : localSecrets(dataFolderOf(given, terminal))?.httpApiKey
}

function urlOf(given: Given, terminal: Terminal, settings: ApiSettings): string {
  const flag = given.of(apiUrl)
  if (flag !== undefined) return flag
  const named = terminal.env['NATTER_API_URL']
  if (named) {
    const read = address().read(named)
    if ('mistake' in read) throw new UsageError([`NATTER_API_URL ${read.mistake}.`], given.name)
    return read.ok
  }
  const isLocal = localSecrets(dataFolderOf(given, terminal)) !== undefined
  const local = `http://${host}:${planPorts(basePortOf(terminal))['gateway-1-api']}`
  return settings.url ?? (isLocal ? local : settings.defaultUrl)
}

/** An address to listen on isn't always one to go to. */
function hostIn(at: unknown): string {
  if (typeof at !== 'string' || at === '' || at === '0.0.0.0') return host
  if (at === '::') return '[::1]'
  return at.includes(':') ? `[${at}]` : at
}

/** Whether or not it was written with its end. */
function withPath(url: string): string {
  const bare = url.replace(/[/]+$/, '')
  return bare.endsWith('/api') ? bare : `${bare}/api`
}
