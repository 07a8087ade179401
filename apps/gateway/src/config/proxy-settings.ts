/** Where hooks over HTTP are answered, in the words of Centrifugo, and what the gateway makes of them. */
import {
  clientProxySchema,
  defineSection,
  proxyName,
  proxySchema,
  reloadable,
  rpcOptionsSchema,
  type CrossCheckProblem,
  type DeepReadonly,
  type ProxyOptions,
  type SectionConfig,
  type StatusTransform,
  type SwitchedProxyOptions,
} from '@natter/config'
import { InvalidError } from '@natter/primitives'
import { readFileSync } from 'node:fs'
import { validateHeaderValue } from 'node:http'
import { z } from 'zod'
import type { HttpHook, HttpHookKind, HttpHooksTable } from '../http-hooks/http-hook.js'

export const clientProxySettings = reloadable({
  proxy: {
    schema: clientProxySchema,
    default: {},
    example: '{"connect":{"enabled":true,"endpoint":"http://127.0.0.1:3000/natter/connect"}}',
    doc: 'Hooks over HTTP that say who connects, and whether they stay.',
    shown: true,
  },
} as const)

export const rpcSection = defineSection('rpc', 'Who answers rpc, where it is not an app.', {
  ...reloadable({
    proxy: {
      schema: proxySchema,
      default: {},
      example: '{"endpoint":"http://127.0.0.1:3000/natter/rpc"}',
      doc: 'The hook over HTTP for rpc.',
      shown: true,
    },
    without_namespace: {
      schema: rpcOptionsSchema,
      default: {},
      example: '{"proxy_enabled":true}',
      doc: 'Options of methods without a namespace.',
      shown: true,
    },
    namespaces: {
      schema: z.array(rpcOptionsSchema.safeExtend({ name: proxyName })),
      default: [],
      example: '[{"name":"billing","proxy_enabled":true}]',
      doc: 'Namespaces of methods by name: the text before the first colon.',
      shown: true,
    },
  } as const),
})

export const proxiesSection = defineSection(
  'proxies',
  'Addresses for hooks over HTTP that namespaces name.',
  {
    ...reloadable({
      named: {
        schema: z.array(proxySchema.safeExtend({ name: proxyName })),
        default: [],
        example: '[{"name":"chat","endpoint":"http://127.0.0.1:3000/chat"}]',
        doc: 'By name: subscribe_proxy_name and its like say it.',
        shown: true,
      },
    } as const),
  },
)

const verbs = ['subscribe', 'publish', 'sub_refresh'] as const

type Verb = (typeof verbs)[number]

/** What of a configuration says something about hooks over HTTP. */
export interface ProxyConfig {
  readonly client: DeepReadonly<{
    proxy: z.output<typeof clientProxySchema>
    hook_headers: string[]
  }>
  readonly channel: {
    readonly proxy: DeepReadonly<{ [K in Verb]?: ProxyOptions | undefined }>
    readonly without_namespace: NamespaceProxies
    readonly namespaces: readonly (NamespaceProxies & { readonly name: string })[]
  }
  readonly rpc: SectionConfig<typeof rpcSection>
  readonly proxies: SectionConfig<typeof proxiesSection>
}

type NamespaceProxies = Readonly<
  Record<`${Verb}_proxy_enabled`, boolean> & Record<`${Verb}_proxy_name`, string>
>

/** One thing that is asked over HTTP, as it is configured. */
interface Use {
  readonly kind: HttpHookKind
  /** `default`, or which of `proxies.named`. */
  readonly name: string
  /** The namespace of channels or methods, '' = none; absent for what concerns connections. */
  readonly namespace?: string
  /** The setting that says so. */
  readonly key: string
  /** What in it says so, for sentences. */
  readonly says: string
  /** The setting where `default` is. */
  readonly home: string
  readonly options: DeepReadonly<ProxyOptions> | undefined
}

function usesOf(config: ProxyConfig): Use[] {
  const { client, channel, rpc, proxies } = config
  const named = new Map<string, DeepReadonly<ProxyOptions>>(proxies.named.map((one) => [one.name, one]))
  const pick = (name: string, usual: DeepReadonly<ProxyOptions> | undefined) =>
    name === 'default' ? usual : named.get(name)
  const connections = (['connect', 'refresh'] as const).flatMap((kind): Use[] => {
    const options: DeepReadonly<SwitchedProxyOptions> | undefined = client.proxy[kind]
    if (options?.enabled !== true) return []
    const key = 'client.proxy'
    return [{ kind, name: 'default', key, says: `${kind}.enabled`, home: `${key}.${kind}`, options }]
  })
  const spaces = [{ ...channel.without_namespace, name: '' }, ...channel.namespaces]
  const channels = spaces.flatMap((space) =>
    verbs.flatMap((kind): Use[] => {
      if (!space[`${kind}_proxy_enabled`]) return []
      const name = space[`${kind}_proxy_name`]
      const key = `channel.${space.name === '' ? 'without_namespace' : 'namespaces'}`
      const says = `${kind}_proxy_enabled${of(space.name)}`
      const options = pick(name, channel.proxy[kind])
      return [{ kind, name, namespace: space.name, key, says, home: `channel.proxy.${kind}`, options }]
    }),
  )
  const methods = [{ ...rpc.without_namespace, name: '' }, ...rpc.namespaces].flatMap((space): Use[] => {
    if (!space.proxy_enabled) return []
    const key = `rpc.${space.name === '' ? 'without_namespace' : 'namespaces'}`
    const says = `proxy_enabled${of(space.name)}`
    const options = pick(space.proxy_name, rpc.proxy)
    return [
      { kind: 'rpc', name: space.proxy_name, namespace: space.name, key, says, home: 'rpc.proxy', options },
    ]
  })
  return [...connections, ...channels, ...methods]
}

const of = (namespace: string): string => (namespace === '' ? '' : ` of ${namespace}`)

/** What no setting can know alone. No value of a header is in it. */
export function proxyProblems(config: ProxyConfig): readonly CrossCheckProblem[] {
  const { client, rpc, proxies } = config
  return [
    ...usesOf(config).flatMap(useProblem),
    ...doubled('proxies.named', proxies.named),
    ...doubled('rpc.namespaces', rpc.namespaces),
    ...proxies.named
      .filter(({ name }) => name === 'default')
      .map(() => ({
        key: 'proxies.named',
        message: "names 'default', which is what stands beside the hooks",
      })),
    ...[rpc.without_namespace, ...rpc.namespaces]
      .filter((one) => one.proxy_name !== 'default' && !one.proxy_enabled)
      .map(() => ({
        key: 'rpc.namespaces',
        message: 'has a proxy_name that says nothing without proxy_enabled',
      })),
    ...placesOf(config).flatMap((place) => headerProblems(place, client.hook_headers)),
  ]
}

function useProblem({ name, key, says, home, options }: Use): CrossCheckProblem[] {
  if (name !== 'default' && options === undefined)
    return [{ key, message: `has ${says} with '${name}', which is not in proxies.named` }]
  if (options?.endpoint !== undefined) return []
  const where = name === 'default' ? `${home}.endpoint` : `the endpoint of '${name}' in proxies.named`
  return [{ key, message: `has ${says}, and nobody to ask: set ${where}` }]
}

function doubled(key: string, list: readonly { readonly name: string }[]): CrossCheckProblem[] {
  const names = list.map(({ name }) => name)
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => ({
    key,
    message: `names ${name} twice: keep one of them`,
  }))
}

interface Place {
  readonly key: string
  /** For sentences. */
  readonly where: string
  readonly options: DeepReadonly<ProxyOptions>
}

/** All that are written down, used or not. */
function placesOf({ client, channel, rpc, proxies }: ProxyConfig): Place[] {
  const beside = [
    ...(['connect', 'refresh'] as const).map((kind) => ['client.proxy', kind, client.proxy[kind]] as const),
    ...verbs.map((kind) => ['channel.proxy', kind, channel.proxy[kind]] as const),
  ]
  return [
    ...beside.flatMap(([key, where, options]) => (options === undefined ? [] : [{ key, where, options }])),
    { key: 'rpc.proxy', where: '', options: rpc.proxy },
    ...proxies.named.map((options) => ({ key: 'proxies.named', where: `'${options.name}'`, options })),
  ]
}

function headerProblems({ key, where, options }: Place, kept: readonly string[]): CrossCheckProblem[] {
  const { http_headers: real, emulated_headers: said, http } = options
  const at = where === '' ? '' : ` in ${where}`
  const keeps = new Set(kept.map((name) => name.toLowerCase()))
  const values = Object.keys(http?.static_headers ?? {})
  const files = Object.keys(http?.static_header_files ?? {})
  const problem = (message: string): CrossCheckProblem => ({ key, message: message + at })
  return [
    ...[...new Set([...real, ...said])]
      .filter((name) => !keeps.has(name))
      .map((name) => problem(`passes on ${name}, which is forgotten: add it to client.hook_headers`)),
    ...[...values, ...files]
      .filter((name) => real.includes(name) || said.includes(name))
      .map((name) => problem(`says ${name} itself and passes on a client's: keep one of the two`)),
    ...values
      .filter((name) => files.includes(name))
      .map((name) => problem(`has ${name} twice: keep the value or the file`)),
    ...Object.entries(http?.static_headers ?? {})
      .filter(([name, value]) => !isHeaderValue(name, value))
      .map(([name]) => problem(`has a value for ${name} that no header can have`)),
  ]
}

function isHeaderValue(name: string, value: string): boolean {
  try {
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

/** Somebody answers `connect` over HTTP. */
export const isConnectedByHook = ({ client }: Pick<ProxyConfig, 'client'>): boolean =>
  client.proxy.connect?.enabled === true

/**
 * Reads the files that hold headers.
 *
 * @throws InvalidError `static-header-file`: one can't be read, or holds no header.
 */
export function httpHooksOf(config: ProxyConfig, readFile = readText): HttpHooksTable {
  const made = new Map<string, HttpHook>()
  const hookOf = (use: Use): HttpHook => {
    const key = `${use.kind} ${use.name}`
    const hook = made.get(key) ?? createHook(use, readFile)
    made.set(key, hook)
    return hook
  }
  const channels = new Map<string, HttpHook>()
  const rpc = new Map<string, HttpHook>()
  const connections: { connect?: HttpHook; refresh?: HttpHook } = {}
  for (const use of usesOf(config)) {
    const { kind, namespace = '' } = use
    if (kind === 'connect' || kind === 'refresh') connections[kind] = hookOf(use)
    else if (kind === 'rpc') rpc.set(namespace, hookOf(use))
    else channels.set(`${kind} ${namespace}`, hookOf(use))
  }
  return Object.freeze({ ...connections, channels, rpc })
}

function createHook({ kind, name, home, options }: Use, readFile: (file: string) => string): HttpHook {
  if (options?.endpoint === undefined)
    throw new InvalidError('no-endpoint', `${home} has no address: set its endpoint`)
  const { http } = options
  return Object.freeze({
    kind,
    name,
    endpoint: new URL(options.endpoint),
    timeoutMs: options.timeout,
    realHeaders: options.http_headers,
    saidHeaders: options.emulated_headers,
    staticHeaders: { ...http?.static_headers, ...readHeaders(http?.static_header_files ?? {}, readFile) },
    includesMeta: options.include_connection_meta,
    isBinary: options.binary_encoding,
    byStatus: new Map(
      (http?.status_to_code_transforms ?? []).map((one) => [one.status_code, refusalOf(one)]),
    ),
  })
}

function readHeaders(
  files: Readonly<Record<string, string>>,
  readFile: (file: string) => string,
): Record<string, string> {
  const read = Object.entries(files).map(([name, file]): [string, string] => {
    const value = readOne(file, readFile)
    if (value === undefined || value === '' || !isHeaderValue(name, value))
      throw new InvalidError(
        'static-header-file',
        `The header ${name} can't be taken from ${file}: it has to be a file that holds its value, on one line`,
      )
    return [name, value]
  })
  return Object.fromEntries(read)
}

function readOne(file: string, readFile: (file: string) => string): string | undefined {
  try {
    return readFile(file).replace(/\r?\n$/, '')
  } catch {
    return undefined
  }
}

const readText = (file: string): string => readFileSync(file, 'utf8')

function refusalOf({ to_error: error, to_disconnect: disconnect }: DeepReadonly<StatusTransform>) {
  if (disconnect !== undefined) return { disconnect }
  const { code = 100, message = '', temporary = false } = error ?? {}
  return { error: temporary ? { code, message, temporary } : { code, message } }
}
