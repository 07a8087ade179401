/**
 * values.schema.json of each chart: Helm refuses values that don't match, and names the key.
 *
 * S1. `config` has the shape of natter.yaml, from the same declarations that the apps check it with. What they would refuse when they
 *     start is refused before anything is installed, as far as a schema can tell.
 * S2. What the chart sets itself, and every secret, is not in `config`: a ConfigMap holds no secret, and a value that is overruled by
 *     the environment would be a lie.
 * S3. Unknown keys are refused everywhere but in what Kubernetes will read.
 */
import { kindOf, type SettingInfo } from '@natter/config'
import { z } from 'zod'
import { charts, chartValues } from './chart-values.js'
import { configurations } from './declarations.js'
import { format, resolveConfig } from 'prettier'
import { join } from 'node:path'
import { root } from '../repository.js'
import { natsValues, natterValues, postgresValues, type JsonSchema } from './chart-shapes.js'

/** S2. */
export const setByTheChart: ReadonlySet<string> = new Set([
  'client.token_hmac_secret_key',
  'client.token_previous_hmac_secret_key',
  'client.subscription_token_hmac_secret_key',
  'client.subscription_token_previous_hmac_secret_key',
  'drain.deadline',
  'drain.delay',
  'drain.rate',
  'gateway.host',
  'gateway.name',
  'gateway.port',
  'gateway.share_port',
  'http_api.external',
  'http_api.host',
  'http_api.key',
  'http_api.port',
  'http_api.previous_key',
  'messenger.gateways',
  'messenger.host',
  'messenger.port',
  'messenger.token_secret',
  'nats.connect_timeout',
  'nats.creds_file',
  'nats.password',
  'nats.token',
  'nats.url',
  'nats.user',
  'ops.host',
  'ops.port',
  'persistence.name',
  'postgres.url',
])

export async function chartSchemas(): Promise<[file: string, text: string][]> {
  const shapes = [{ ...natterValues, config: configSchema() }, natsValues, postgresValues]
  return await Promise.all(
    charts.map(async ({ folder }, index): Promise<[string, string]> => {
      const docs = new Map(chartValues(folder).map(({ path, doc }) => [path, doc]))
      const schema = {
        $schema: 'http://json-schema.org/draft-07/schema#',
        ...described({ type: 'object', properties: shapes[index] ?? {}, additionalProperties: false }, docs),
      }
      const options = await resolveConfig(join(root, 'docs', 'README.md'))
      const text = await format(JSON.stringify(schema), { ...options, parser: 'json' })
      return [`${folder}/values.schema.json`, text]
    }),
  )
}

/** The comment of values.yaml says what a key is for; here it is shown by editors. */
function described(schema: JsonSchema, docs: ReadonlyMap<string, string>, path = ''): JsonSchema {
  const doc = docs.get(path)
  const properties = Object.entries(schema.properties ?? {}).map(([key, inner]) => [
    key,
    described(inner, docs, path === '' ? key : `${path}.${key}`),
  ])
  return {
    ...(doc === undefined ? {} : { description: doc }),
    ...schema,
    ...(schema.properties === undefined ? {} : { properties: Object.fromEntries(properties) as Properties }),
  }
}

type Properties = Record<string, JsonSchema>

/** S1, S2. Sections of which nothing is left are not in it. */
export function configSchema(): JsonSchema {
  const sections: Record<string, Properties> = {}
  const docs: Record<string, string> = {}
  for (const definition of configurations) {
    for (const { name, doc } of definition.sections) docs[name] = doc
    for (const info of definition.settings) {
      if (setByTheChart.has(info.path)) continue
      if (info.envFile !== undefined)
        throw new Error(`${info.path} is a secret: give it a place in the chart`)
      const section = (sections[info.section] ??= {})
      section[info.key] = settingSchema(info)
    }
  }
  const all = Object.entries(sections).map(([name, properties]): [string, JsonSchema] => [
    name,
    { type: 'object', description: docs[name] ?? '', properties, additionalProperties: false },
  ])
  return { type: 'object', properties: Object.fromEntries(all), additionalProperties: false }
}

function settingSchema({ setting }: SettingInfo): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(setting.schema, {
    io: 'input',
    target: 'draft-7', // which every Helm 3 reads
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const kind = kindOf(zodSchema)
      Object.assign(jsonSchema, patternOf(kind), kind.startsWith('a secret') ? { isSecret: true } : {})
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      delete jsonSchema.default // what nothing means is the app's to say
    },
  })
  return { description: setting.doc, ...withoutSecrets(schema as JsonSchema) }
}

/** S2: within a setting that is no secret itself. Keys that aren't there are refused. */
function withoutSecrets(schema: JsonSchema): JsonSchema {
  const { properties, items } = schema
  const shown = Object.entries(properties ?? {}).flatMap(([key, inner]): [string, JsonSchema][] =>
    isSecretSchema(inner) ? [] : [[key, withoutSecrets(inner)]],
  )
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(shown) }),
    ...(items === undefined ? {} : { items: withoutSecrets(items) }),
  }
}

/** A record of secrets too. */
const isSecretSchema = ({ additionalProperties: values, isSecret }: JsonSchema): boolean =>
  isSecret === true || (typeof values === 'object' && isSecretSchema(values))

/** Their helpers check the text in code, of which a schema knows nothing. */
function patternOf(kind: string): JsonSchema {
  if (kind.startsWith('a duration')) return { pattern: String.raw`^(\d+|(\d+(\.\d+)?(ms|s|m|h|d))+)$` }
  if (kind.startsWith('a size')) return { pattern: String.raw`^\d+(\.\d+)?\s?([kKmMgGtT]?[iI]?[bB])?$` }
  return {}
}
