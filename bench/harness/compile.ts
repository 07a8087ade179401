/**
 * Compiles programs by swc, with everything of this repository that they import. No types are checked: `npm run typecheck` does.
 *
 * CO1. The layout is the repository's, so relative paths stay true; an alias (`@natter/nest`) becomes a path.
 */
import { transformFile } from '@swc/core'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '../..')

const aliases = (
  JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> }
  }
).compilerOptions.paths

/** Of compiled code: what stands behind `from`, `import` and `import(`. */
const imports = /((?:from|import)\s*\(?\s*)(["'])([^"']+)\2/g

/** @param entries paths from the repository's root, e.g. `test/deploy/app.ts`. The program is `<folder>/test/deploy/app.js` then. */
export async function compileInto(folder: string, entries: readonly string[]): Promise<void> {
  const seen = new Set(entries)
  const one = async (file: string): Promise<void> => {
    const { code } = await transformFile(join(root, file), {
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'es6' },
    })
    const found: string[] = []
    const text = code.replaceAll(imports, (whole, before: string, _quote, target: string) => {
      const imported = sourceOf(file, target)
      if (imported === undefined) return whole
      found.push(imported)
      return `${before}"${pathFrom(file, imported)}"` // CO1
    })
    const output = join(folder, compiled(file))
    await mkdir(dirname(output), { recursive: true })
    await writeFile(output, text)
    const fresh = found.filter((imported) => !seen.has(imported))
    for (const imported of fresh) seen.add(imported)
    await Promise.all(fresh.map(one))
  }
  await Promise.all(entries.map(one))
}

const compiled = (file: string): string => file.replace(/\.ts$/, '.js')

/** The repository's file behind an import, or undefined for a package. */
function sourceOf(file: string, target: string): string | undefined {
  if (target.startsWith('.')) return join(dirname(file), target.replace(/\.js$/, '.ts'))
  const [aliased] = aliases[target] ?? []
  return aliased?.slice('./'.length)
}

function pathFrom(file: string, imported: string): string {
  const path = relative(dirname(file), compiled(imported))
  return path.startsWith('.') ? path : `./${path}`
}
