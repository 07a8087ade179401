import { coerceText } from '../coerce-text.js'
import { envNameOf, type ConfigDefinition, type SettingInfo } from '../config-definition.js'
import { didYouMean, nearMiss } from '../near-miss.js'
import { problemWith, type Problem } from '../problem.js'
import { whyUnreadable, type Environment, type Given, type ReadFile, type SourceReading } from './source.js'

/** Names the file with settings. */
export const configFileVariable = 'NATTER_CONFIG'

/** Variables of Natter that are no app's settings. They are near to some that are, and still no typo. */
const ownVariables = [
  configFileVariable,
  'NATTER_CHROMIUM',
  'NATTER_DATA',
  'NATTER_HOST_NODE',
  'NATTER_NATS_SERVER',
  'NATTER_NATS_URL',
  'NATTER_PORT',
  'NATTER_SUPERVISED',
]

/** Reads the variables of this app's settings. An empty one counts as unset. */
export function readEnvironment(
  definition: ConfigDefinition,
  env: Environment,
  readFile: ReadFile,
): SourceReading {
  const values = new Map<string, Given>()
  const problems: Problem[] = []
  for (const info of definition.settings) {
    const reading = readOne(info, env, readFile)
    if (reading === undefined) continue
    if ('message' in reading) problems.push(reading)
    else values.set(info.path, reading)
  }
  return { values, problems: [...problems, ...typos(definition, env)] }
}

function readOne(info: SettingInfo, env: Environment, readFile: ReadFile): Given | Problem | undefined {
  const text = env[info.env] || undefined
  const file = info.envFile === undefined ? undefined : env[info.envFile] || undefined
  if (text !== undefined && file !== undefined) {
    return problemWith(info, `is given twice, by ${info.env} and by ${info.env}_FILE; keep one`)
  }
  if (file !== undefined) return readSecretFile(info, file, readFile)
  if (text === undefined) return undefined
  return { value: coerceText(info.setting.schema, text), origin: { from: 'env', name: info.env } }
}

function readSecretFile(info: SettingInfo, file: string, readFile: ReadFile): Given | Problem {
  const name = `${info.env}_FILE`
  try {
    const value = readFile(file).replace(/\r?\n$/, '') // editors and `echo` end a file with one, and it is no part of the secret
    if (value === '') return problemWith(info, `can't be read: ${name} names ${file}, and that is empty`)
    return { value, origin: { from: 'env', name } }
  } catch (error) {
    return problemWith(info, `can't be read: ${name} names ${file}, but ${whyUnreadable(error)}`)
  }
}

/**
 * Other apps and Natter itself share the environment. So an unknown variable is a problem if it belongs to one of this app's
 * sections, if it is nearly one of this app's, or if its section is nearly one that some app has; else it isn't ours to judge.
 */
function typos({ settings, sections, foreignSections }: ConfigDefinition, env: Environment): Problem[] {
  const names = settings.flatMap(({ env: own, envFile }) => (envFile === undefined ? [own] : [own, envFile]))
  const known = new Set([...names, ...ownVariables])
  const owned = sections.map(({ name }) => name)
  const isForeign = (name: string) => sectionOf(name, foreignSections) !== undefined
  return Object.entries(env).flatMap(([name, value]) => {
    const isStranger = name.startsWith('NATTER_') && Boolean(value) && !known.has(name) && !isForeign(name)
    if (!isStranger || isFromKubernetes(name, value)) return []
    const meant = nearMiss(name, [...names, configFileVariable], slipsInAVariable)
    if (meant !== undefined) return [{ env: meant, message: `There is no ${name}. Did you mean ${meant}?` }]
    const section = sectionOf(name, owned)
    if (section !== undefined) return [{ message: unknownIn(section, name, names) }]
    const near = nearSection(name, [...owned, ...foreignSections])
    return near === undefined ? [] : [{ message: `There is no ${name}. Did you mean ${near}…?` }]
  })
}

function sectionOf(name: string, sections: readonly string[]): string | undefined {
  return sections.find((section) => name.startsWith(`${envNameOf(section)}_`))
}

function unknownIn(section: string, name: string, names: readonly string[]): string {
  const key = name.slice(envNameOf(section).length + 1).toLowerCase()
  const inSection = names.filter((candidate) => candidate.startsWith(`${envNameOf(section)}_`))
  return `There is no ${name}: ${section} has no setting ${key}.${didYouMean(name, inSection)}`
}

/** Short names are near to too much: of theirs only whole variables are told. */
function nearSection(name: string, sections: readonly string[]): string | undefined {
  const [, first = ''] = name.split('_')
  const long = sections.filter((section) => section.length > 'nats'.length)
  const near = nearMiss(first, long)
  return near === undefined ? undefined : `${envNameOf(near)}_`
}

/** It tells each container of the services beside it: of one called natter-nats, NATTER_NATS_SERVICE_HOST and more. */
function isFromKubernetes(name: string, value = ''): boolean {
  return (
    /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

/** Fewer than elsewhere: taking another app's variable for a typo would stop this app for nothing. */
function slipsInAVariable(length: number): number {
  return length <= 'NATTER_GATEWAY_PORT'.length ? 1 : 2
}
