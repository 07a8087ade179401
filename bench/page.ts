/**
 * Makes docs/benchmarks.md and its plots from the raw figures; nothing on the page is typed by hand but the words around them.
 *
 *   npm run bench:page [-- --from bench/results --to docs]
 */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { benches } from './benches/index.js'
import { root } from './harness/build.js'
import { readResult, type BenchResult } from './harness/results.js'
import { pageOf } from './page/page-text.js'
import { plotOf } from './page/plots.js'
import { toSvg } from './page/svg.js'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: 'bench/results' },
    to: { type: 'string', default: 'docs' },
  },
})
const [from, to] = [join(root, values.from), join(root, values.to)]

const results = new Map<string, BenchResult>()
for (const { name } of benches) {
  const file = join(from, `${name}.json`)
  if (existsSync(file)) results.set(name, await readResult(file))
}

await rm(join(to, 'benchmarks'), { recursive: true, force: true })
await mkdir(join(to, 'benchmarks'), { recursive: true })
for (const [name, result] of results)
  await writeFile(join(to, 'benchmarks', `${name}.svg`), await toSvg(plotOf(result)))
const options = await resolveConfig(join(root, 'package.json'))
const text = await format(pageOf(benches, results), { ...options, parser: 'markdown' })
await writeFile(join(to, 'benchmarks.md'), text)
console.log(`${join(values.to, 'benchmarks.md')} from ${results.size} of ${benches.length} results`)
