/**
 * Makes the package.json of an image, in the build stage of the Dockerfile: what the compiled app imports and no more. `npm prune`
 * then removes the rest from node_modules.
 *
 *   node tools/image-packages.mjs <app>     writes package.json in the working directory
 *
 * G1. Whatever the compiled code imports is in the image: also dynamic imports, and those for their side effects only.
 * G2. Versions are those of package.json; what it doesn't name fails the build.
 * G3. The Node that runs the app is a package like the others, so the list of what is in the image has it too.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filesIn } from './files.mjs'
import { bareImports, packageOf, pinnedVersion } from './imports.mjs'

/** Compiled code is below these two; beside them is the messenger's page, which is a bundle. */
const compiled = ['apps', 'libs']

/**
 * @param {string} folder of the built app, e.g. dist/apps/gateway
 * @returns {string[]} names of packages, sorted
 */
export function importedPackages(folder) {
  const names = new Set()
  for (const part of compiled)
    for (const file of filesIn(join(folder, part)))
      if (file.endsWith('.js'))
        for (const { target } of bareImports(readFileSync(file, 'utf8'))) names.add(packageOf(target)) // G1
  return [...names].toSorted()
}

/**
 * @param {string} app
 * @param {string[]} imported
 * @param {{ version: string, license: string, dependencies: Record<string, string>, optionalDependencies: Record<string, string> }} own
 */
export function imageManifest(app, imported, own) {
  const nodes = Object.entries(own.optionalDependencies).filter(([name]) => name.startsWith('node-linux-'))
  return {
    name: `natter-${app}`,
    version: own.version,
    private: true,
    license: own.license,
    type: 'module',
    dependencies: Object.fromEntries(imported.map((name) => [name, pinnedVersion(name, own)])), // G2
    optionalDependencies: Object.fromEntries(nodes), // G3
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [app = ''] = process.argv.slice(2)
  try {
    const own = JSON.parse(readFileSync('package.json', 'utf8'))
    const manifest = imageManifest(app, importedPackages(join('dist', 'apps', app)), own)
    writeFileSync('package.json', JSON.stringify(manifest, undefined, 2))
    console.log(`${manifest.name}: ${Object.keys(manifest.dependencies).join(', ')}`)
  } catch (error) {
    console.error(`package.json of the image: ${error.message}`)
    process.exitCode = 1
  }
}
