/**
 * Obtains a nats-server that is new enough, with the means of the machine, and prints where it is.
 *
 * The ways are tried in order, cheapest first; each that fails says why in one line. What is fetched goes to the user's cache
 * folder, by a temporary name and a rename, so that two who fetch at once do no harm. Nothing here needs root.
 *
 *   node tools/nats-server.mjs            progress on stderr, the absolute path on stdout
 *   node tools/nats-server.mjs --print    the same
 */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { debianSource } from './apt-source.mjs'
import { printWhenRun } from './print-when-run.mjs'
import { run } from './run.mjs'
import { cacheFolder, firstOf, isAtLeast, namedBy, onPath, Skipped } from './ways.mjs'

/** The reason stands where it is checked: libs/broker/src/nats/server-version.ts. */
export const minimumVersion = '2.14.5'
/** What is fetched where the way lets us choose. */
export const wantedVersion = '2.15.1'

/** The version of a binary, or null when it doesn't run or isn't nats-server. */
async function versionOf(file) {
  const { ok, stdout } = await run(file, ['--version'], { timeoutMs: 10_000 })
  return ok ? (/v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null
}

/** Throws a sentence unless the file is a nats-server that is new enough. */
async function checked(file) {
  const version = await versionOf(file)
  if (version === null) throw new Error(`${file} does not run`)
  if (!isAtLeast(version, minimumVersion))
    throw new Error(`${file} is ${version}, older than ${minimumVersion}`)
  return { file, version }
}

const program = platform() === 'win32' ? 'nats-server.exe' : 'nats-server'

async function cached() {
  const folders = existsSync(cacheFolder) ? readdirSync(cacheFolder) : []
  const found = folders
    .map((folder) => ({ folder, version: /^nats-server-(\d+\.\d+\.\d+)$/.exec(folder)?.[1] }))
    .filter(({ version }) => version !== undefined && isAtLeast(version, minimumVersion))
    .toSorted((a, b) => (isAtLeast(a.version, b.version) ? -1 : 1))
  for (const { folder } of found) {
    const file = join(cacheFolder, folder, 'nats-server')
    if ((await versionOf(file)) !== null) return file
  }
  throw new Skipped()
}

/** Checks a fresh binary and moves it into the cache. A rename replaces, so whoever comes second does no harm. */
async function keep(file) {
  await chmod(file, 0o755)
  const { version } = await checked(file)
  const folder = join(cacheFolder, `nats-server-${version}`)
  await mkdir(folder, { recursive: true })
  const beside = join(folder, `.${randomUUID()}`)
  await writeFile(beside, await readFile(file), { mode: 0o755 })
  const kept = join(folder, 'nats-server')
  await rename(beside, kept)
  return kept
}

/** Debian's own package of a later suite, through the machine's own mirror, in an apt state of our own: no root needed. */
async function fromDebian(scratch) {
  const source = debianSource('forky')
  if (source === null) throw new Error('this machine has no Debian package source')
  const folder = join(scratch, 'apt')
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true })
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
  await writeFile(join(folder, 'sources.list'), `${source}\n`)
  const options = [
    ['Dir::Etc::SourceList', join(folder, 'sources.list')],
    ['Dir::Etc::SourceParts', '/dev/null'],
    ['Dir::Etc::Preferences', '/dev/null'],
    ['Dir::Etc::PreferencesParts', '/dev/null'],
    ['Dir::State::Lists', join(folder, 'lists')],
    ['Dir::Cache', join(folder, 'cache')],
    ['APT::Sandbox::User', ''],
    ['Acquire::Languages', 'none'],
    ['APT::Get::List-Cleanup', '0'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`])
  const apt = async (...args) => {
    const { ok, reason } = await run('apt-get', ['-q', ...options, ...args], { cwd: folder })
    if (!ok) throw new Error(reason)
  }
  await apt('update')
  await apt('download', 'nats-server')
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))
  if (archive === undefined) throw new Error('apt-get fetched nothing')
  const unpacked = await run('dpkg', ['-x', join(folder, archive), join(folder, 'unpacked')])
  if (!unpacked.ok) throw new Error(unpacked.reason)
  return keep(join(folder, 'unpacked', 'usr', 'sbin', 'nats-server'))
}

/** The project's own release archive, compared with the sums that are published beside it. */
async function fromRelease(scratch) {
  const system = { linux: 'linux', darwin: 'darwin' }[platform()]
  const machine = { x64: 'amd64', arm64: 'arm64' }[arch()]
  if (system === undefined || machine === undefined)
    throw new Error(`no archive for ${platform()} on ${arch()}`)
  const name = `nats-server-v${wantedVersion}-${system}-${machine}`
  const base = `https://github.com/nats-io/nats-server/releases/download/v${wantedVersion}`
  const archive = join(scratch, `${name}.tar.gz`)
  await download(`${base}/${name}.tar.gz`, archive)
  await download(`${base}/SHA256SUMS`, join(scratch, 'SHA256SUMS'))
  const sum = createHash('sha256').update(readFileSync(archive)).digest('hex')
  const sums = readFileSync(join(scratch, 'SHA256SUMS'), 'utf8').split('\n')
  if (!sums.some((line) => line.startsWith(sum) && line.endsWith(`${name}.tar.gz`))) {
    throw new Error('the archive does not have the published checksum')
  }
  const unpacked = await run('tar', ['-xzf', archive, '-C', scratch])
  if (!unpacked.ok) throw new Error(unpacked.reason)
  return keep(join(scratch, name, 'nats-server'))
}

async function download(url, file) {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) }).catch((error) => {
    throw new Error(`${url}: ${error.cause?.code ?? error.message}`)
  })
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`)
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file))
}

async function fromHomebrew() {
  const installed = await run('brew', ['install', '--quiet', 'nats-server'], { timeoutMs: 300_000 })
  if (!installed.ok) throw new Error(installed.reason)
  const { stdout } = await run('brew', ['--prefix'])
  return (await checked(join(stdout.trim(), 'bin', 'nats-server'))).file
}

async function fromGo(scratch) {
  const env = { ...process.env, GOBIN: scratch, GOFLAGS: '-modcacherw' }
  const module = `github.com/nats-io/nats-server/v2@v${wantedVersion}`
  const built = await run('go', ['install', module], { env, timeoutMs: 300_000 })
  if (!built.ok) throw new Error(built.reason)
  return keep(join(scratch, 'nats-server'))
}

const ways = [
  {
    name: 'NATTER_NATS_SERVER',
    obtain: async () => (await checked(namedBy('NATTER_NATS_SERVER'))).file,
  },
  { name: 'PATH', obtain: async () => (await checked(onPath(program))).file },
  { name: 'cache', obtain: cached },
  { name: 'Debian', fetches: true, obtain: fromDebian },
  { name: 'GitHub release', fetches: true, obtain: fromRelease },
  { name: 'Homebrew', fetches: true, obtain: fromHomebrew },
  { name: 'go install', fetches: true, obtain: fromGo },
]

/**
 * @param {(line: string) => void} say one line per way that is tried or failed
 * @returns {Promise<string | null>} the absolute path, or null when every way failed
 */
export async function obtainNatsServer(say) {
  const file = await firstOf('nats-server', ways, say)
  if (file === null)
    say(
      `Install nats-server ${minimumVersion} or newer (https://nats.io/download) so that it is on the PATH, ` +
        'or set NATTER_NATS_SERVER to its file, or NATTER_NATS_URL to a running server.',
    )
  return file
}

await printWhenRun(import.meta.url, obtainNatsServer)
