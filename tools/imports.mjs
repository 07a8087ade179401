/**
 * What compiled files import from packages, and the version that package.json pins for it.
 */
import ts from 'typescript'

/**
 * Imports that are neither relative nor Node's own, in the order of the text: also for their side effects only, and `import()` and
 * `require()` of a literal. `pos` is that of the opening quote.
 *
 * @param {string} text
 * @returns {{ target: string, pos: number }[]}
 */
export function bareImports(text) {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  return importedFiles
    .map(({ fileName, pos }) => ({ target: fileName, pos }))
    .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
}

/** @param {string} target e.g. `@nestjs/common/enums` */
export const packageOf = (target) => target.split('/', target.startsWith('@') ? 2 : 1).join('/')

/**
 * @param {string} name
 * @param {{ dependencies: Record<string, string> }} manifest the repository's package.json
 * @returns {string} throws where it isn't a dependency: a package of the build or of another package may be gone tomorrow
 */
export function pinnedVersion(name, manifest) {
  const version = manifest.dependencies[name]
  if (version === undefined)
    throw new Error(`${name} is imported and isn't among the dependencies of package.json: add it there`)
  return version
}
