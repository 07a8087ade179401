/**
 * The services of a compose project as processes of this machine, each on a loopback address of its own.
 *
 * S1. Everything is started at once: no service may rely on an order, because Swarm keeps none.
 * S2. What ends is started again as its restart policy says, with the same address and files.
 * S3. Files, variables and arguments are those of the project; only addresses and folders are this machine's. Of nginx' configuration
 *     that is where Docker's DNS is and where it listens.
 */
import { natsServerBinary, withClient, type ExitInfo } from '@natter/testing'
import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve as resolvePath } from 'node:path'
import { promisify } from 'node:util'
import { dyingWithUs, startContainer, type RunningContainer } from '../shared/local-container.js'
import { localEnv, localText, type Place } from '../shared/local-text.js'
import { LoopbackAddresses } from '../shared/loopback.js'
import { startPostgresContainer, type PostgresContainer } from '../shared/postgres.js'
import { imagesOfRepository, programOf, type Images, type OtherImage } from '../shared/programs.js'
import { repo, type Project, type Service } from './compose-file.js'
import { startDns, type Dns } from './dns.js'

export interface LocalService {
  readonly name: string
  readonly address: string
  readonly running: RunningContainer | undefined
  /** Of all that ran as this service, in their order. */
  readonly exits: readonly ExitInfo[]
  /** As its health check would answer now; false too where there is none. */
  isHealthy(): Promise<boolean>
  /** The container is gone and comes back as the policy says. */
  kill(): Promise<void>
  /** As `docker compose stop`: it does not come back. */
  stop(): Promise<ExitInfo | undefined>
}

export interface LocalStack {
  readonly dns: Dns
  /** By name: `nats`, and `gateway-1` where there are several. */
  service(name: string): LocalService
  /** One that nobody has. */
  address(): string
  /** One more, as `--scale` would make: a replica of the service with these variables in addition. */
  add(service: string, name: string, change?: Change): Promise<LocalService>
  stop(): Promise<void>
}

export interface Change {
  env?: Readonly<Record<string, string>>
  /** Of the files that are mounted. */
  text?: (text: string) => string
  dns?: Dns
}

const run = promisify(execFile)
const restartDelayMs = 200

/** The apps as they are built now. @throws Error what the build says. */
export function buildApps(): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['tools/build.mjs', 'gateway', 'persistence', 'messenger', 'page'],
    { cwd: repo, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  )
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
}

interface World {
  project: Project
  images: Images
  root: string
  addresses: LoopbackAddresses
  names: Map<string, string>
  dns: Dns
  services: Map<string, LocalService>
  /** By address, with their data. */
  databases: Map<string, PostgresContainer>
}

/** @param nginx where the program is. @param overrides by service. */
export async function startLocalStack(
  project: Project,
  nginx: string,
  overrides: Readonly<Record<string, Change>> = {},
): Promise<LocalStack> {
  const root = await mkdtemp(join(tmpdir(), 'natter-compose-'))
  await chmod(root, 0o755)
  const addresses = new LoopbackAddresses()
  const dns = await startDns(addresses.next())
  const others = new Map<string, OtherImage>([['nginx', nginxProgram(nginx)]])
  const world: World = {
    project,
    images: imagesOfRepository(others),
    root,
    addresses,
    names: new Map(),
    dns,
    services: new Map(),
    databases: new Map(),
  }
  natsServerBinary() // looked for once, not by each server at once
  const wanted = Object.entries(project.services).flatMap(([name, service]) =>
    replicasOf(name, service).map((replica) => ({ name, replica, address: addresses.next() })),
  )
  for (const { name, address } of wanted) world.names.set(name, address)
  await Promise.all(
    wanted.map(({ name, replica, address }) => add(world, name, replica, address, overrides[name])),
  ) // S1
  return {
    dns,
    service: (name) => world.services.get(name) ?? missing(name),
    address: () => addresses.next(),
    add: (service, name, change) => add(world, service, name, addresses.next(), change),
    async stop() {
      await Promise.all([...world.services.values()].map((service) => service.stop()))
      await Promise.all([...world.databases.values()].map((database) => database.remove()))
      await dns.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function missing(name: string): never {
  throw new Error(`no service ${name}`)
}

function replicasOf(name: string, { deploy }: Service): string[] {
  const count = deploy?.replicas
  return count === undefined ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)
}

/** Should we be killed it gets a SIGTERM in place of the SIGKILL of other containers: its workers would outlive that. */
const nginxProgram =
  (nginx: string): OtherImage =>
  ({ command = [], args = [] }, place) => {
    const own = [...command, ...args].slice(1).map((arg) => localText(arg, place))
    const [file, ...rest] = dyingWithUs('TERM', [nginx, ...own])
    return { kind: 'process', file, args: rest, env: {} }
  }

async function add(
  world: World,
  name: string,
  replica: string,
  address: string,
  change: Change = {},
): Promise<LocalService> {
  const service = world.project.services[name] ?? missing(name)
  const place = await placeOf(world, service, replica, address, change)
  const env = localEnv({ ...texts(service.environment ?? {}), ...change.env }, place)
  const kept = keep(service, () => start(world, service, replica, place, env))
  const local: LocalService = {
    name: replica,
    address,
    get running() {
      return kept.running
    },
    exits: kept.exits,
    isHealthy: () => isHealthy(service, place),
    kill: () => kept.kill(),
    stop: () => kept.stop(),
  }
  world.services.set(replica, local)
  await kept.started
  return local
}

const texts = (env: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([key, value]) => [key, String(value)]))

async function start(
  world: World,
  service: Service,
  name: string,
  place: Place,
  env: Record<string, string>,
): Promise<RunningContainer> {
  const given = { command: service.entrypoint, args: service.command }
  const program = programOf(service.image, given, world.images, place)
  if (program.kind === 'postgres') return startDatabase(world, place.address, env)
  const [uid, gid] = (service.user ?? '').split(':').map(Number)
  const user = uid === undefined || gid === undefined ? {} : { user: { uid, gid } }
  return startContainer({
    name: service.hostname ?? name,
    program,
    env,
    ...user,
  })
}

async function startDatabase(
  { databases }: World,
  address: string,
  env: Record<string, string>,
): Promise<RunningContainer> {
  const before = databases.get(address)
  const database = await (before?.again() ?? startPostgresContainer({ address, env }))
  databases.set(address, database)
  return database
}

/** Runs it until it is stopped, or until its policy says that it was the last time. S2 */
function keep(service: Service, begin: () => Promise<RunningContainer>) {
  const exits: ExitInfo[] = []
  const { condition = 'any' } = service.deploy?.restart_policy ?? {}
  let running: RunningContainer | undefined
  let isStopping = false
  let wake = (): void => {}
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, restartDelayMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const comesBack = ({ code }: ExitInfo): boolean => !isStopping && (condition === 'any' || code !== 0)
  const started = begin().then((first) => (running = first))
  const ended = (async () => {
    await started
    for (;;) {
      const exit = await running?.exited
      if (exit === undefined) return
      exits.push(exit)
      running = undefined
      if (!comesBack(exit)) return
      await pause()
      if (isStopping) return
      running = await begin()
    }
  })()
  return {
    exits,
    started,
    get running() {
      return running
    },
    async kill() {
      const container = running
      container?.signal('SIGKILL')
      await container?.exited
    },
    async stop() {
      isStopping = true
      wake()
      await started
      running?.signal('SIGTERM')
      await ended
      return exits.at(-1)
    },
  }
}

/** Writes what is mounted, below a folder that looks like the container's root. S3 */
async function placeOf(
  world: World,
  service: Service,
  name: string,
  address: string,
  change: Change,
): Promise<Place> {
  const folder = join(world.root, name)
  const paths = new Map<string, string>([
    ['/tmp', join(folder, 'tmp')],
    ['/run/secrets', join(folder, 'run/secrets')],
    ['/dev/stdout', join(folder, 'tmp/stdout')],
  ])
  for (const path of ['tmp', 'run/secrets']) await mkdir(join(folder, path), { recursive: true })
  await chmod(join(folder, 'tmp'), 0o777)
  for (const volume of service.volumes ?? []) {
    const target = volume.split(':')[1] ?? ''
    await mkdir(join(folder, target), { recursive: true })
    paths.set(target, join(folder, target))
  }
  for (const { target } of service.configs ?? []) paths.set(target, join(folder, target))
  const place: Place = { address, names: world.names, paths }
  const dns = change.dns ?? world.dns
  for (const { from, to } of mountsOf(world.project, service)) {
    const isNginx = to.startsWith('/etc/nginx/')
    const reader = isNginx ? { ...place, names: new Map<string, string>() } : place // nginx asks DNS
    const text = localText(await readFile(resolvePath(repo, from), 'utf8'), reader)
    const own = isNginx ? localNginx(text, address, dns) : text
    await mkdir(dirname(join(folder, to)), { recursive: true })
    await writeFile(join(folder, to), change.text?.(own) ?? own)
  }
  return place
}

const mountsOf = ({ configs, secrets }: Project, service: Service): { from: string; to: string }[] => [
  ...(service.configs ?? []).map(({ source, target }) => ({
    from: configs[source]?.file ?? missing(source),
    to: target,
  })),
  ...(service.secrets ?? []).map((secret) => ({
    from: secrets[secret]?.file ?? missing(secret),
    to: `/run/secrets/${secret}`,
  })),
]

/** S3 */
function localNginx(text: string, address: string, dns: Dns): string {
  const listening = replacedOnce(text, 'listen 8080;', `listen ${address}:8080;`)
  return replacedOnce(listening, 'resolver 127.0.0.11 ', `resolver ${dns.address} `)
}

export function replacedOnce(text: string, from: string, to: string): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${from} stands ${parts.length - 1} times, not once, in:\n${text}`)
  return parts.join(to)
}

/** The check's own command where it runs here; what `wget` and `pg_isready` ask is asked by us. */
async function isHealthy({ healthcheck, environment }: Service, place: Place): Promise<boolean> {
  const [, program = '', ...args] = (healthcheck?.test ?? []).map((word) =>
    localText(word.replaceAll('127.0.0.1', place.address), place),
  )
  try {
    if (program === 'wget') return (await fetch(args.at(-1) ?? '')).ok
    if (program === 'pg_isready') return await takesConnections(texts(environment ?? {}), place)
    if (program !== '/app/bin/node') return false
    await run(process.execPath, args, { env: { PATH: process.env['PATH'] }, timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

async function takesConnections(env: Record<string, string>, place: Place): Promise<boolean> {
  const password = await readFile(localText(env['POSTGRES_PASSWORD_FILE'] ?? '', place), 'utf8')
  const url = `postgres://${env['POSTGRES_USER']}:${password}@${place.address}:5432/${env['POSTGRES_DB']}`
  return withClient(url, () => Promise.resolve(true))
}
