import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { provisionConfig } from '../apps/gateway/src/config/provision.config.js'
import { migrateConfig } from '../apps/persistence/src/config/migrate.config.js'
import { configurations, metricTables } from './reference/declarations.js'
import { generatedFiles } from './reference/generated-files.js'
import { readRepositoryFile, repositoryFiles, root } from './repository.js'

const howTo = 'run: node --import ./tools/typescript.mjs tools/generate-reference.ts'
const files = await generatedFiles()

const handwritten = repositoryFiles().filter(
  (file) => file.endsWith('.md') && !files.has(file) && existsSync(join(root, file)),
)

/** Words of a kind in pages written by hand, each with the pages that use it. */
function mentions(pattern: RegExp): [word: string, file: string][] {
  return handwritten.flatMap((file) =>
    [...readRepositoryFile(file).matchAll(pattern)].map(([word]): [string, string] => [word, file]),
  )
}

describe('the reference', () => {
  it.each([...files.keys()])(
    '%s is what the code declares, because a page that is wrong is worse than none',
    (file) => {
      const committed = existsSync(join(root, file)) ? readRepositoryFile(file) : howTo
      expect(committed).toBe(files.get(file))
    },
  )

  it('has every metric that a page names, because alerts are written from pages', () => {
    const names = new Set(metricTables.flatMap(({ table }) => Object.values(table).map(({ name }) => name)))
    const unknown = mentions(/\bnatter_[a-z_]+[a-z]\b/g).filter(([word]) => !names.has(word))
    expect(unknown).toEqual([])
  })

  it('has every setting that a page names by its variable', () => {
    const known = new Set(
      configurations.flatMap(({ settings }) => settings.flatMap(({ env, envFile }) => [env, envFile])),
    )
    const unknown = mentions(/\bNATTER_[A-Z_]+[A-Z]\b/g).filter(
      ([word]) => !known.has(word) && !ofNoApp.has(word),
    )
    expect(unknown).toEqual([])
  })
})

describe('one natter.yaml', () => {
  const all = [...configurations, migrateConfig, provisionConfig]
  const sections = new Set(configurations.flatMap((one) => one.sections.map(({ name }) => name)))

  it.each(all)('is taken by $app, whatever section of another app stands in it', (definition) => {
    const known = new Set([...definition.sections.map(({ name }) => name), ...definition.foreignSections])
    expect([...sections].filter((name) => !known.has(name))).toEqual([])
  })
})

/** Variables of the command line, the supervisor, gateways and the tests. */
const ofNoApp = new Set([
  'NATTER_API_URL',
  'NATTER_CONFIG',
  'NATTER_CHROMIUM',
  'NATTER_DATA',
  'NATTER_FUZZ_SEED',
  'NATTER_HELM',
  'NATTER_HOST_NODE',
  'NATTER_NATS_SERVER',
  'NATTER_PORT',
  'NATTER_SUPERVISED',
  'NATTER_TEST_IMAGES',
])
