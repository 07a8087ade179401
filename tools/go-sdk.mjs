/**
 * Builds the program of test/conformance/go around the official Go SDK: through Go's module proxy, by the checksums of its go.sum. Go is
 * the one on the PATH or where its installer leaves it.
 *
 *   node tools/go-sdk.mjs
 */
import { readdirSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'
import { goEnv } from './go.mjs'
import { root } from './paths.mjs'
import { run } from './run.mjs'
import { madeOnce, printCommandWhenRun } from './sdk-program.mjs'

const source = join(root, 'test', 'conformance', 'go')
const program = platform() === 'win32' ? 'laws.exe' : 'laws'

async function make(folder) {
  if (!(await run('go', ['version'], { env: goEnv })).ok) throw new Error('Go is not installed')
  const env = { ...goEnv, GOFLAGS: '-mod=readonly -buildvcs=false', GOGC: '400' }
  await download(env)
  // Nothing for debuggers, which costs half of the linking.
  const args = ['build', '-ldflags', '-s -w', '-o', join(folder, program), '.']
  const { ok, reason } = await run('go', args, { cwd: source, env, timeoutMs: 600_000 })
  if (!ok) throw new Error(`go build: ${reason}`)
}

/** Go gives a module up at its first lost connection: what has come is kept, and the rest is asked for again. */
async function download(env, triesLeft = 3) {
  const { ok, reason } = await run('go', ['mod', 'download'], { cwd: source, env, timeoutMs: 300_000 })
  if (ok) return
  if (triesLeft <= 1) throw new Error(`go mod download: ${reason}`)
  await download(env, triesLeft - 1)
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<[string] | string>} its command, or the reason why there is none
 */
export async function obtainGoSdk(say) {
  const files = readdirSync(source).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name))
  const paths = files.toSorted().map((name) => join(source, name))
  const made = await madeOnce('go', paths, make, say)
  return 'folder' in made ? [join(made.folder, program)] : made.reason
}

await printCommandWhenRun(import.meta.url, obtainGoSdk)
