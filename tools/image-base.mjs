/**
 * What a test needs to build images without a container engine and without a registry: Debian's buildah and debootstrap, and a base
 * that debootstrap made. Prints the base's archive.
 *
 *   node tools/image-base.mjs
 *
 * A1. The base comes from the machine's own Debian mirror and stays in the user's cache folder for the month.
 * A2. It is what `debian:<suite>-slim` is: the minimal system without pages, translations and lists of apt.
 * A3. It appears in the cache whole or not at all.
 */
import { randomUUID } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianSource } from './apt-source.mjs'
import { aptInstall } from './apt.mjs'
import { filesIn } from './files.mjs'
import { oneAtATime } from './one-at-a-time.mjs'
import { printWhenRun } from './print-when-run.mjs'
import { run } from './run.mjs'
import { cacheFolder } from './ways.mjs'

const programs = ['/usr/bin/buildah', '/usr/sbin/debootstrap']
const GiB = 2 ** 30
/** What a store of images needs while it builds all of ours. */
export const storeBytes = 8 * GiB

/**
 * @param {(line: string) => void} say
 * @param {string} [suite] of Debian
 * @returns {Promise<string | null>} a tar of the base's root; null, and a line says why, where this machine can't
 */
export async function obtainImageBase(say, suite = 'bookworm') {
  const hindrance = baseHindrance(suite)
  if (hindrance !== undefined) return refuse(say, hindrance)
  if (!programs.every((file) => existsSync(file))) {
    say('buildah, debootstrap: installing them with apt-get')
    const installed = await aptInstall(['buildah', 'debootstrap'])
    if (!installed.ok) return refuse(say, installed.reason)
  }
  const month = new Date().toISOString().slice(0, 7)
  const file = join(cacheFolder, `debian-${suite}-${arch()}-${month}.tar`) // A1
  await oneAtATime(`${file}.lock`, async () => existsSync(file) || makeBase(file, suite, say), say)
  return existsSync(file) ? file : null
}

/**
 * @param {string} [suite]
 * @returns {string | undefined} why images can't be built on this machine; undefined where they can
 */
export function baseHindrance(suite = 'bookworm') {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this is not root'
  if (debianSource(suite) === null) return `apt has no source for Debian ${suite}`
  if (!canMount()) return 'this root may not mount what buildah mounts'
  return undefined
}

/** In a container root often may not, and on some file systems nothing can be laid over another. */
function canMount() {
  const folder = roomyFolder(storeBytes)
  try {
    const parts = ['lowerdir', 'upperdir', 'workdir'].map((name) => {
      mkdirSync(join(folder, name))
      return `${name}=${join(folder, name)}`
    })
    const mount = ['mount', '-t', 'overlay', 'overlay', '-o', parts.join(','), join(folder, 'lowerdir')]
    return spawnSync('unshare', ['--mount', '--pid', '--fork', ...mount], { stdio: 'ignore' }).status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function refuse(say, reason) {
  say(`base of the images: ${reason}`)
  return null
}

/**
 * A new folder for what is large and soon gone: in memory where there is room, because dpkg waits for the disk after each file.
 *
 * @param {number} bytes
 */
export function roomyFolder(bytes) {
  const memory = '/dev/shm'
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[1] === memory)
  const isUsable = mount !== undefined && !/\b(noexec|nodev)\b/.test(mount) && bytesFree(memory) > bytes
  return mkdtempSync(join(isUsable ? memory : tmpdir(), 'natter-image-'))
}

function bytesFree(folder) {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

async function makeBase(file, suite, say) {
  const startedAt = Date.now()
  say(`Debian ${suite}: making the base of the images with debootstrap`)
  const folder = roomyFolder(2 * GiB)
  const archive = `${file}.${randomUUID()}`
  try {
    await chmod(folder, 0o755) // it becomes the image's root
    await must('debootstrap', ['--variant=minbase', ...keyring(suite), suite, folder, mirror(suite)])
    await slim(folder)
    await mkdir(cacheFolder, { recursive: true })
    await must('tar', ['--create', '--file', archive, '--numeric-owner', '--directory', folder, '.'])
    await removeOlder(suite)
    await rename(archive, file) // A3
    say(`Debian ${suite}: made in ${Math.round((Date.now() - startedAt) / 1000)} s`)
  } catch (error) {
    refuse(say, error.message)
  } finally {
    await rm(archive, { force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

const mirror = (suite) =>
  debianSource(suite)
    .split(' ')
    .find((word) => /^[a-z+]+:\//.test(word))

function keyring(suite) {
  const file = /signed-by=(\S+)\]/.exec(debianSource(suite))?.[1]
  return file === undefined ? [] : [`--keyring=${file}`]
}

async function must(command, args) {
  const { ok, reason } = await run(command, args, { timeoutMs: 400_000 })
  if (!ok) throw new Error(`${command}: ${reason}`)
}

/** A2 */
async function slim(root) {
  for (const folder of [
    'usr/share/man',
    'usr/share/info',
    'usr/share/locale',
    'var/lib/apt/lists',
    'var/cache/apt/archives',
  ])
    for (const name of existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [])
      await rm(join(root, folder, name), { recursive: true })
  for (const file of filesIn(join(root, 'usr/share/doc'))) if (!file.endsWith('/copyright')) await rm(file)
}

async function removeOlder(suite) {
  const isBase = (name) => name.startsWith(`debian-${suite}-${arch()}-`) && name.endsWith('.tar')
  for (const name of (await readdir(cacheFolder)).filter(isBase)) await rm(join(cacheFolder, name))
}

await printWhenRun(import.meta.url, obtainImageBase)
