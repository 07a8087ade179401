/**
 * A store of images for one test, by Debian's buildah: no daemon, no registry, nothing left behind.
 *
 * S1. All of it is in one folder of this test: images, containers, mounts, caches. `dispose` unmounts and removes it.
 * S2. The bases are ours under the names of the Dockerfile, and nothing is pulled.
 * S3. npm's settings of this machine (registry, password, certificates) reach the build as a secret, its cache as a cache: an image
 *     has neither.
 */
import { copyFile, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { roomyFolder, storeBytes } from '../../../tools/image-base.mjs'
import { root } from '../../../tools/repository.js'
import { run } from '../../../tools/run.mjs'

/** What an image says of itself, in OCI's words. */
export interface ImageConfig {
  User: string
  Env: string[]
  Entrypoint: string[]
  Cmd: string[]
  WorkingDir: string
  Labels: Record<string, string>
  ExposedPorts: Record<string, unknown>
  StopSignal: string
}

export interface BuiltImage {
  config: ImageConfig
  /** Uncompressed, the base first. */
  layers: readonly { digest: string; bytes: number }[]
  /** Its file system, mounted; nothing is to be changed in it. */
  root: string
  /** By instruction, as far as it has one line: whether its layer was there already. */
  isCached: ReadonlyMap<string, boolean>
}

export interface ImageStore {
  readonly folder: string
  /** `context` is the repository by default. Rejects with what the build printed last. */
  build(args: Readonly<Record<string, string>>, context?: string): Promise<BuiltImage>
  dispose(): Promise<void>
}

/** @param base a tar of the root of `debian:bookworm-slim` */
export async function openStore(base: string): Promise<ImageStore> {
  const folder = roomyFolder(storeBytes) // S1
  const buildah = buildahIn(folder)
  const store: ImageStore = {
    folder,
    build: (args, context = root) => build(buildah, folder, args, context),
    async dispose() {
      try {
        await buildah(['rm', '--all'])
      } finally {
        await run('umount', ['--recursive', join(folder, 'store', 'overlay')])
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
  try {
    await prepare(buildah, folder, base)
  } catch (error) {
    await store.dispose().catch(() => {}) // who couldn't prepare can't clean up either: the first error says why
    throw error
  }
  return store
}

type Buildah = (args: readonly string[]) => Promise<string>

function buildahIn(folder: string): Buildah {
  const place = [
    '--root',
    join(folder, 'store'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'overlay',
  ]
  const env = { ...process.env, TMPDIR: join(folder, 'tmp') }
  return async ([command = '', ...args]) => {
    const { ok, stdout, stderr } = await run('buildah', [...place, command, ...args], {
      env,
      timeoutMs: 400_000,
    })
    if (!ok) throw new Error(`buildah ${command}: ${(stdout + stderr).trim().slice(-2_000)}`)
    return stdout
  }
}

async function prepare(buildah: Buildah, folder: string, base: string): Promise<void> {
  const caches = join(folder, 'tmp', 'buildah-cache')
  await mkdir(caches, { recursive: true })
  const npmCache = (await npmSetting('cache')) ?? join(homedir(), '.npm')
  await mkdir(npmCache, { recursive: true })
  await symlink(npmCache, join(caches, 'natter-npm')) // S3: the id in the Dockerfile
  await writeFile(join(folder, 'npmrc'), await npmrc(), { mode: 0o600 })
  await makeBases(buildah, base)
}

/** S2 */
async function makeBases(buildah: Buildah, base: string): Promise<void> {
  const debian = await container(buildah, 'scratch')
  await buildah(['add', '--quiet', debian, base, '/'])
  await commit(buildah, debian, 'docker.io/library/debian:bookworm-slim')

  const node = await container(buildah, 'docker.io/library/debian:bookworm-slim')
  const mounted = (await buildah(['mount', node])).trim()
  const local = join(mounted, 'usr', 'local')
  await copyFile(process.execPath, join(local, 'bin', 'node'))
  await cp(await npmFolder(), join(local, 'lib', 'node_modules', 'npm'), { recursive: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin', 'npm'))
  await commit(buildah, node, 'docker.io/library/node:22-bookworm-slim')
}

const container = async (buildah: Buildah, image: string): Promise<string> =>
  (await buildah(['from', '--pull-never', image])).trim()

async function commit(buildah: Buildah, from: string, image: string): Promise<void> {
  await buildah(['commit', '--quiet', '--rm', from, image])
}

/** The npm that this machine has; its `npm-cli.js` says where it is. */
async function npmFolder(): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'readlink -f "$(command -v npm)"'])
  return dirname(dirname(stdout.trim()))
}

async function npmSetting(name: string): Promise<string | undefined> {
  const { ok, stdout } = await run('npm', ['config', 'get', name])
  const value = stdout.trim()
  return ok && value !== '' && value !== 'null' && value !== 'undefined' ? value : undefined
}

/** S3. The user's own file, which may have passwords, and what is set beside it. */
async function npmrc(): Promise<string> {
  const own = await readFile((await npmSetting('userconfig')) ?? '', 'utf8').catch(() => '')
  const registry = await npmSetting('registry')
  return [own, ...(registry === undefined ? [] : [`registry=${registry}`]), ...(await authorities())].join(
    '\n',
  )
}

/** npm takes them in place of its own list, and Node adds these to its own: the file should be the machine's whole list. */
async function authorities(): Promise<string[]> {
  const file = process.env.NODE_EXTRA_CA_CERTS
  const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '')
  const each = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return each.map((certificate) => `ca[]=${JSON.stringify(certificate)}`)
}

async function build(
  buildah: Buildah,
  folder: string,
  args: Readonly<Record<string, string>>,
  context: string,
): Promise<BuiltImage> {
  const image = `localhost/natter/${args.APP}`
  const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  const secret = ['--secret', `id=npmrc,src=${join(folder, 'npmrc')}`]
  const how = ['--isolation', 'chroot', '--pull-never', '--layers', '--tag', image]
  const printed = await buildah(['bud', ...how, ...secret, ...given, context])
  const said = JSON.parse(await buildah(['inspect', '--type', 'image', image])) as {
    OCIv1: { config: ImageConfig }
    Manifest: string
  }
  const { layers } = JSON.parse(said.Manifest) as { layers: { digest: string; size: number }[] }
  const mounted = await buildah(['mount', await container(buildah, image)])
  return {
    config: said.OCIv1.config,
    layers: layers.map(({ digest, size }) => ({ digest, bytes: size })),
    root: mounted.trim(),
    isCached: cachedSteps(printed),
  }
}

/** A line for each step, and behind it one that says so if its layer was there. */
export function cachedSteps(printed: string): Map<string, boolean> {
  const steps = printed.split(/^(?:\[\d+\/\d+\] )?STEP \d+\/\d+: /m).slice(1)
  return new Map(
    steps.map((step) => [
      step.split('\n', 1)[0]?.replaceAll(/\s+/g, ' ') ?? '',
      step.includes('Using cache'),
    ]),
  )
}
