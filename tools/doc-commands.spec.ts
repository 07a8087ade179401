import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readRepositoryFile, repositoryFiles } from './repository.js'

/** What people copy from the pages must be there when they run it. */
const pages = repositoryFiles().filter((file) => file.endsWith('.md'))

/** What `npm run build` makes, as tools/build.mjs names it: a template for the apps, and the page. */
function builtFiles(): Set<string> {
  const source = readRepositoryFile('tools/build.mjs')
  const fixed = [...source.matchAll(/output: '([^']+)'/g)].map(([, file]) => file ?? '')
  const template = /output: `([^`]+)`/.exec(source)?.[1] ?? ''
  const apps = [...source.matchAll(/= app\('(\w+)'\)/g)].map(([, name]) =>
    template.replaceAll('${name}', name ?? ''),
  )
  return new Set([...fixed, ...apps])
}

/** The build compiles what stands beside an app's `main.ts` to beside its output: programs of their own among it. */
function isBesideMain(file: string): boolean {
  const [, app, source] = /^dist\/apps\/(\w+)\/apps\/\1\/src\/([\w-]+)\.js$/.exec(file) ?? []
  return repositoryFiles().includes(`apps/${app}/src/${source}.ts`)
}

/** In the folder of a project that `natter new` made, its own build is there. */
function isOfNewProject(file: string): boolean {
  const [, source] = /^dist\/([\w.-]+)\.js$/.exec(file) ?? []
  return repositoryFiles().includes(`apps/natter/template/app/src/${source}.ts`)
}

/** Commands of the fenced shell blocks, with lines that go on joined. */
function commandsIn(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  return blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
}

describe('commands in the pages', () => {
  it('every built file that a page names is one that the build makes', () => {
    const built = builtFiles()
    expect(built.size).toBe(readdirSync(new URL('../apps', import.meta.url)).length + 1)
    const named = pages.flatMap((page) =>
      [...readRepositoryFile(page).matchAll(/\bdist\/[\w./-]+\.(?:js|html)\b/g)].map(([file]) => ({
        page,
        file,
      })),
    )
    expect(named.length).toBeGreaterThan(0)
    const isThere = (file: string): boolean => built.has(file) || isBesideMain(file) || isOfNewProject(file)
    expect(named.filter(({ file }) => !isThere(file))).toEqual([])
  })

  it('every npm script that a page names exists', () => {
    const { scripts } = JSON.parse(readRepositoryFile('package.json')) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) =>
      [...readRepositoryFile(page).matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map(([, name = '']) => ({
        page,
        name,
      })),
    )
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([])
  })

  it('an app that is run by hand is given its file of settings and the Node that is installed', () => {
    const runs = pages
      .flatMap((page) => commandsIn(readRepositoryFile(page)))
      .filter((command) => /\bnode dist\/apps\/(gateway|persistence)\//.test(command))
    expect(runs.length).toBeGreaterThan(1)
    for (const run of runs) expect(run).toMatch(/(NATTER_CONFIG=|--config ).*npx node|npx node .*--config /)
  })

  it('every source file that a page names exists, from the root or beside the page', () => {
    const files = new Set(repositoryFiles())
    const named = pages.flatMap((page) =>
      [...readRepositoryFile(page).matchAll(/\b(?:apps|libs|bench|test|tools)\/[\w./-]+\.(?:ts|mjs)\b/g)].map(
        ([file]) => ({
          page,
          file,
        }),
      ),
    )
    expect(
      named.filter(({ page, file }) => !files.has(file) && !files.has(join(dirname(page), file))),
    ).toEqual([])
  })
})
