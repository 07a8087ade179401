/**
 * Obtains helm, with the means of the machine, and prints where it is.
 *
 * The ways are tried in order, cheapest first; each that fails says why in one line. What is built goes to the user's cache
 * folder, by a temporary name and a rename, so that two who build at once do no harm. Nothing here needs root.
 *
 *   node tools/helm.mjs            progress on stderr, the absolute path on stdout
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { goEnv } from './go.mjs'
import { oneAtATime } from './one-at-a-time.mjs'
import { printWhenRun } from './print-when-run.mjs'
import { run } from './run.mjs'
import { cacheFolder, firstOf, isAtLeast, namedBy, onPath, Skipped } from './ways.mjs'

const minimumVersion = '3.18.0'
/** What is built where there is none. */
export const wantedVersion = '3.22.0'
/** The Kubernetes that a build of ours takes for the cluster's where there is none to ask. */
const kubernetes = { major: 1, minor: 34 }

const name = platform() === 'win32' ? 'helm.exe' : 'helm'
const cachedFile = join(cacheFolder, `helm-${wantedVersion}`, name)

/** Throws a sentence unless the file is a helm that is new enough: older ones refuse values in other words. */
async function checked(file) {
  const { ok, stdout } = await run(file, ['version', '--short'], { timeoutMs: 20_000 })
  const version = /^v(\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1]
  if (!ok || version === undefined) throw new Error(`${file} is no helm`)
  if (!isAtLeast(`${version}.0`, minimumVersion))
    throw new Error(`${file} is ${version}, older than ${minimumVersion}`)
  return file
}

async function cached() {
  if (!existsSync(cachedFile)) throw new Skipped()
  return await checked(cachedFile)
}

/**
 * Through the module proxy and the checksum database, as every Go module. A module of our own around it, because `go install` knows
 * no flags of the module's: without these helm would believe to speak with Kubernetes 1.20. Not optimised and nothing for debuggers:
 * building costs half of what it would, and rendering a chart takes a fraction of a second all the same.
 */
async function fromGo(scratch) {
  await writeFile(
    join(scratch, 'go.mod'),
    `module natter.local/helm\n\ngo 1.25\n\nrequire helm.sh/helm/v3 v${wantedVersion}\n`,
  )
  const go = async (...args) => {
    const env = { ...goEnv, GOFLAGS: '-mod=mod -modcacherw', GOGC: '400' }
    const { ok, reason } = await run('go', args, { cwd: scratch, env, timeoutMs: 900_000 })
    if (!ok) throw new Error(reason)
  }
  const inHelm = 'helm.sh/helm/v3'
  const settings = ['pkg/chartutil', 'pkg/lint/rules'].flatMap((folder) => [
    `-X ${inHelm}/${folder}.k8sVersionMajor=${kubernetes.major}`,
    `-X ${inHelm}/${folder}.k8sVersionMinor=${kubernetes.minor}`,
  ])
  const flags = ['-s -w', `-X ${inHelm}/internal/version.version=v${wantedVersion}`, ...settings].join(' ')
  const built = join(scratch, name)
  await go(
    'build',
    '-gcflags',
    'all=-N -l -dwarf=false',
    '-ldflags',
    flags,
    '-o',
    built,
    `${inHelm}/cmd/helm`,
  )
  await checked(built)
  await mkdir(join(cachedFile, '..'), { recursive: true })
  const beside = `${cachedFile}.${randomUUID()}`
  await copyFile(built, beside)
  await rename(beside, cachedFile)
  return cachedFile
}

/** Tests of two processes ask for it at once, and building it twice would take twice as long. */
async function builtOnce(scratch, say) {
  if (!(await run('go', ['version'], { env: goEnv })).ok) throw new Error('Go is not installed')
  const build = async () => {
    if (existsSync(cachedFile)) return await cached()
    say('helm: trying go build, which takes some minutes once')
    return await fromGo(scratch)
  }
  return await oneAtATime(join(cacheFolder, 'helm.lock'), build, say)
}

const ways = [
  { name: 'NATTER_HELM', obtain: () => checked(namedBy('NATTER_HELM')) },
  { name: 'PATH', obtain: () => checked(onPath(name)) },
  { name: 'cache', obtain: cached },
  { name: 'go build', obtain: builtOnce },
]

/**
 * @param {(line: string) => void} say one line per way that is tried or failed
 * @returns {Promise<string | null>} the absolute path, or null when every way failed
 */
export async function obtainHelm(say) {
  const file = await firstOf('helm', ways, say)
  if (file === null)
    say(
      `Install helm ${minimumVersion} or newer (https://helm.sh) so that it is on the PATH, or Go, or set NATTER_HELM to its file.`,
    )
  return file
}

await printWhenRun(import.meta.url, obtainHelm)
