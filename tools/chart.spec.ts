import { describe, expect, it } from '@jest/globals'
import { chartSchemas, setByTheChart } from './reference/chart-schema.js'
import { charts, chartValues } from './reference/chart-values.js'
import { configurations } from './reference/declarations.js'
import type { JsonSchema } from './reference/chart-shapes.js'

const schemas = new Map(await chartSchemas())

/** Paths of what may be set, down to where Kubernetes' own words or a map of names begin. */
function leavesOf({ properties }: JsonSchema, path = ''): string[] {
  if (properties === undefined) return [path]
  return Object.entries(properties).flatMap(([key, inner]) =>
    leavesOf(inner, path === '' ? key : `${path}.${key}`),
  )
}

describe('the values of the charts', () => {
  it.each(charts)('of $folder are explained, each that the schema knows and no other', ({ folder }) => {
    const schema = JSON.parse(schemas.get(`${folder}/values.schema.json`) ?? '') as JsonSchema
    const values = chartValues(folder)
    const explained = values.filter(({ isGroup }) => !isGroup).map(({ path }) => path)
    const isHelms = (path: string) => path === 'global' || (path === 'enabled' && folder !== 'helm/natter')
    const known = leavesOf(schema).filter((path) => !isHelms(path))
    // one comment speaks for what Kubernetes reads below it, and natter.yaml has a page of its own
    const isBelow = (path: string, above: readonly string[]) =>
      above.some((one) => path.startsWith(`${one}.`))
    const unexplained = known.filter(
      (path) => !explained.includes(path) && !isBelow(path, [...explained, 'config']),
    )
    expect(unexplained).toEqual(folder === 'helm/natter' ? ['nats', 'postgres'] : []) // the sub-charts' own
    expect(
      explained.filter(
        (path) => !known.includes(path) && !isBelow(path, known) && !isBelow(path, ['config']),
      ),
    ).toEqual(explained.filter((path) => path.endsWith('resources')))
  })

  it('that the chart sets itself are settings that there are', () => {
    const settings = new Set(configurations.flatMap((one) => one.settings.map(({ path }) => path)))
    expect([...setByTheChart].filter((path) => !settings.has(path))).toEqual([])
  })

  it('hold no secret in config, where a ConfigMap would tell it', () => {
    const schema = JSON.parse(schemas.get('helm/natter/values.schema.json') ?? '') as JsonSchema
    const known = new Set(leavesOf(schema))
    const secrets = configurations.flatMap((one) =>
      one.settings.filter(({ envFile }) => envFile !== undefined),
    )
    expect(secrets.length).toBeGreaterThan(3)
    expect(secrets.filter(({ path }) => known.has(`config.${path}`)).map(({ path }) => path)).toEqual([])
  })
})
