import { coerceText } from '../coerce-text.js'
import { envNameOf, type ConfigDefinition, type SettingInfo } from '../config-definition.js'
import { nearMiss } from '../near-miss.js'
import { problemWith, type Problem } from '../problem.js'
import { whyUnreadable, type Environment, type Given, type ReadFile, type SourceReading } from './source.js'

/** Names the file with settings. */
export const configFileVariable = 'NATTER_CONFIG'

/** Variables of Natter that are no app's settings. They are near to some that are, and still no typo. */
const ownVariables = [
  configFileVariable,
  'NATTER_CHROMIUM',
  'NATTER_DATA',
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
    return { value, origin: { from: 'env', name } }
  } catch (error) {
    return problemWith(info, `can't be read: ${name} names ${file}, but ${whyUnreadable(error)}`)
  }
}

/** Other apps share the environment, so that an unknown variable is a problem only if it is nearly one of this app's. */
function typos({ settings, foreignSections }: ConfigDefinition, env: Environment): Problem[] {
  const names = settings.flatMap(({ env: own, envFile }) => (envFile === undefined ? [own] : [own, envFile]))
  const known = new Set([...names, ...ownVariables])
  const foreign = foreignSections.map((section) => `${envNameOf(section)}_`)
  const strangers = Object.keys(env).filter(
    (name) =>
      name.startsWith('NATTER_') &&
      Boolean(env[name]) &&
      !known.has(name) &&
      !foreign.some((prefix) => name.startsWith(prefix)),
  )
  return strangers.flatMap((name) => {
    const meant = nearMiss(name, [...names, configFileVariable], slipsInAVariable)
    return meant === undefined ? [] : [{ env: meant, message: `There is no ${name}. Did you mean ${meant}?` }]
  })
}

/** Fewer than elsewhere: taking another app's variable for a typo would stop this app for nothing. */
function slipsInAVariable(length: number): number {
  return length <= 'NATTER_GATEWAY_PORT'.length ? 1 : 2
}
