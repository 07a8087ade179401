import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readRepositoryFile, repositoryFiles, root } from './repository.js'
import { run } from './run.mjs'

/** Pages whose TypeScript people copy whole. */
const pages = repositoryFiles().filter(
  (file) =>
    /^docs\/apps\/.*\.md$/.test(file) || file === 'libs/nest/README.md' || file === 'libs/client/README.md',
)

const examples = pages.flatMap((page) =>
  [...readRepositoryFile(page).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ''], index) => ({
    name: `${page.replaceAll('/', '_')}.${index}.ts`,
    code,
  })),
)

describe('TypeScript in the pages', () => {
  it('compiles as it stands, strictly, because people copy it', async () => {
    expect(examples.length).toBeGreaterThan(8)
    const folder = mkdtempSync(join(root, 'tools', '.examples-')) // within reach of node_modules
    try {
      for (const { name, code } of examples) writeFileSync(join(folder, name), `${code}\nexport {}\n`)
      const options = {
        rootDir: '../..',
        noEmit: true,
        incremental: false,
        noUnusedLocals: false,
        lib: ['ES2023', 'DOM'],
      }
      const config = {
        extends: '../../tsconfig.json',
        compilerOptions: options,
        include: ['*.ts'],
        exclude: [],
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const { stdout } = await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'])
      expect(stdout.split('\n').filter((line) => line !== '')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 120_000)
})
