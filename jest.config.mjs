/**
 * One project per kind of test (docs/testing.md); `tools/jest.mjs` picks the kind and starts Node as Jest's ESM mode wants it.
 */
import { readFileSync } from 'node:fs'

const { compilerOptions } = JSON.parse(readFileSync(new URL('./tsconfig.json', import.meta.url), 'utf8'))

const aliases = Object.fromEntries(
  Object.entries(compilerOptions.paths).map(([alias, [file]]) => [
    `^${alias}$`,
    file.replace('./', '<rootDir>/'),
  ]),
)

const swc = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
}

const kind = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: {
    ...aliases,
    '^fast-check$': '<rootDir>/test/properties/fast-check.mjs',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.natter'],
  ...extra,
})

export default {
  testTimeout: 20_000, // inside a project Jest ignores it
  projects: [
    kind('unit', [
      '<rootDir>/{apps,libs}/*/src/**/*.spec.ts',
      '<rootDir>/apps/*/web/src/**/*.spec.ts',
      '<rootDir>/test/{properties,fault,mutants,deploy,fuzz,install}/**/*.spec.ts',
    ]),
    kind('integration', [
      '<rootDir>/{apps,libs}/*/test/**/*.int-spec.ts',
      '<rootDir>/apps/*/test/**/*.e2e-spec.ts',
    ]),
    kind('browser', ['<rootDir>/test/browser/**/*.e2e-spec.ts']),
    kind('conformance', ['<rootDir>/test/conformance/**/*.conformance-spec.ts']),
    kind('fault', ['<rootDir>/test/{fault,deploy,fuzz}/**/*.fault-spec.ts']),
    kind('install', ['<rootDir>/test/install/**/*.install-spec.ts']),
    kind('docs', ['<rootDir>/tools/**/*.spec.ts']),
  ],
}
