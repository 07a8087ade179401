import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually, leakCheck, startProcess } from '@natter/testing'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from './cluster.js'
import type { ClusterEvent } from './events.js'
import { isDeployment, parseManifests } from './manifests.js'
import { toyDeployment, toyImages } from './toy.js'

const identity = `env:
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }`

const propagationMs = 200
const patienceMs = 20_000

describe('a cluster on loopback', () => {
  let cluster: Cluster
  let noLeaks: () => Promise<void>

  beforeEach(() => {
    noLeaks = leakCheck()
    cluster = new Cluster({ images: toyImages, namespace: 'mesh', propagationMs })
  })
  afterEach(async () => {
    await cluster.stop()
    await noLeaks()
  })

  const ask = async (path: string): Promise<string> => {
    const { host, port } = cluster.inventory.doorOf('toy', 'web')
    const answer = await fetch(`http://${host}:${port}${path}`, { headers: { connection: 'close' } })
    return await answer.text()
  }
  const seen = (fits: (event: ClusterEvent) => boolean) =>
    cluster.until('an event', () => cluster.events.find(fits), patienceMs)
  /** What the Service's proxy goes by. */
  const knows = (...pods: string[]) => {
    const known = () => cluster.events.findLast(({ kind }) => kind === 'endpoints')
    const isSo = (event = known()) =>
      event?.kind === 'endpoints' && event.pods.join() === pods.toSorted().join()
    return cluster.until('a Service that knows', () => (isSo() ? known() : undefined), patienceMs)
  }
  const names = () => cluster.podsOf('toy').map(({ name }) => name)

  it('gives a pod its variables, files and volumes, with addresses and folders of this machine', async () => {
    const print = `console.log(JSON.stringify([process.env.PEER, require('node:fs').readFileSync(process.env.FILE, 'utf8')])); setInterval(() => {}, 1e3)`
    const pod = 'volumes: [{ name: config, configMap: { name: toy } }]'
    const container = `args: [${JSON.stringify(print)}]
          env: [{ name: PEER, value: 'http://toy.mesh.svc.cluster.local:80' }, { name: FILE, value: /etc/toy/deep/file }]
          volumeMounts: [{ name: config, mountPath: /etc/toy/deep }]`
    const files = parseManifests(
      `{ kind: ConfigMap, metadata: { name: toy }, data: { file: 'nats://toy:80 listens on 0.0.0.0' } }`,
    )
    await cluster.install([...files, ...toyDeployment(1, pod, container)])
    const [toy] = cluster.podsOf('toy')
    const line = await eventually(() => toy?.container()?.lines[0], { timeoutMs: patienceMs })
    const { host } = cluster.inventory.doorOf('toy', 80)
    expect(JSON.parse(line)).toEqual([`http://${host}:80`, `nats://${host}:80 listens on ${toy?.address}`])
  })

  it('says of a pod that lacks a Secret what it lacks, and never starts it', async () => {
    await cluster.install(toyDeployment(1, '', 'envFrom: [{ secretRef: { name: gone } }]'))
    expect(await cluster.settled(patienceMs)).toMatchObject({
      kind: 'stalled',
      said: expect.stringContaining('there is no gone'),
    })
  })

  it('runs hooks one after the other, and fails the installation with what the one that failed has said', async () => {
    const job = (name: string, code: string) => `
kind: Job
metadata: { name: ${name}, annotations: { helm.sh/hook: post-install } }
spec: { backoffLimit: 0, template: { spec: { restartPolicy: Never, containers: [{ name: job, image: toy, args: [${JSON.stringify(code)}] }] } } }`
    const jobs = parseManifests(
      [job('b', 'console.log("no luck"); process.exit(3)'), job('a', '0')].join('\n---\n'),
    )
    await expect(cluster.install(jobs)).rejects.toThrow(/Job b has failed:[^]*no luck/)
    const started = cluster.events.flatMap((event) =>
      event.kind === 'pod' && ['created', 'gone'].includes(event.change)
        ? [`${event.owner} ${event.change}`]
        : [],
    )
    expect(started).toEqual(['a created', 'a gone', 'b created', 'b gone'])
  })

  it('starts a pod’s init containers before the others, and anew until each has ended well', async () => {
    const init = (name: string, code: string): string =>
      `{ name: ${name}, image: toy, args: [${JSON.stringify(code)}], volumeMounts: [{ name: v, mountPath: /v }], env: [{ name: F, value: /v/f }] }`
    const once = `const fs = require('node:fs'); if (fs.existsSync(process.env.F)) process.exit(0); fs.writeFileSync(process.env.F, ''); process.exit(1)`
    const pod = `volumes: [{ name: v, emptyDir: {} }]
      initContainers: [${init('first', once)}, ${init('second', '0')}]`
    await cluster.install(toyDeployment(1, pod, identity))
    expect(await cluster.settled(patienceMs)).toEqual({ kind: 'complete' })
    const started = cluster.events.flatMap((event) =>
      event.kind === 'container' && event.change === 'started' ? [event.container] : [],
    )
    expect(started).toEqual(['first', 'first', 'second', 'page'])
  })

  it('sends to ready pods only, learns of it late, and leaves open connections alone', async () => {
    await cluster.install(toyDeployment(2, '', identity))
    await cluster.settled(patienceMs)
    await knows(...names())
    const { host, port } = cluster.inventory.doorOf('toy', 'web')
    const open = connect(port, host)
    const ended = new Promise((resolve) => open.once('close', resolve))
    await new Promise((resolve) => open.once('connect', resolve))
    await seen((event) => event.kind === 'connect')
    const off = await ask('/unready')
    const on = names().find((name) => name !== off) ?? ''
    const unready = await seen(
      (event) => event.kind === 'pod' && event.pod === off && event.change === 'unready',
    )
    const learned = await knows(on)
    expect(learned.atMs - unready.atMs).toBeGreaterThanOrEqual(propagationMs - 5)
    const asked = await Promise.all(Array.from({ length: 10 }, () => ask('/name')))
    expect(new Set(asked)).toEqual(new Set([on]))
    expect(open.destroyed).toBe(false)
    await ask('/unready')
    await knows()
    await expect(ask('/name')).rejects.toThrow('fetch failed')
    expect(cluster.events).toContainEqual(expect.objectContaining({ kind: 'connect', outcome: 'nobody' }))
    open.destroy()
    await ended
  })

  it('rolls a changed template with one more before one less, each old one asked after its preStop', async () => {
    const container = `${identity}
          lifecycle: { preStop: { sleep: { seconds: 1 } } }`
    await cluster.install(toyDeployment(2, '', container))
    await cluster.settled(patienceMs)
    const olds = names()
    const from = cluster.events.length
    await cluster.upgrade(toyDeployment(2, '', container, 'second'))
    expect(await cluster.settled(patienceMs)).toEqual({ kind: 'complete' })
    await cluster.until('the end of the old', () => cluster.podsOf('toy').length === 2, patienceMs)
    expect(names().some((name) => olds.includes(name))).toBe(false)
    const changes = cluster.events
      .slice(from)
      .flatMap((event) =>
        event.kind === 'pod' && ['ready', 'deleted'].includes(event.change)
          ? [`${olds.includes(event.pod) ? 'old' : 'new'} ${event.change}`]
          : [],
      )
    expect(changes).toEqual(['new ready', 'old deleted', 'new ready', 'old deleted'])
    for (const old of olds) {
      const atMs = (fits: (event: ClusterEvent) => boolean) =>
        cluster.events.find((event) => 'pod' in event && event.pod === old && fits(event))?.atMs ?? 0
      const deletedMs = atMs((event) => event.kind === 'pod' && event.change === 'deleted')
      const askedMs = atMs((event) => event.kind === 'container' && event.change === 'asked to end')
      expect(askedMs - deletedMs).toBeGreaterThanOrEqual(990)
    }
  })

  it('takes a pod for available only when it has been ready for long enough', async () => {
    const manifests = toyDeployment(1, '', identity)
    for (const deployment of manifests.filter(isDeployment)) deployment.spec.minReadySeconds = 1
    await cluster.install(manifests)
    expect(await cluster.settled(patienceMs)).toEqual({ kind: 'complete' })
    const ready = await seen((event) => event.kind === 'pod' && event.change === 'ready')
    expect(Date.now() - ready.atMs).toBeGreaterThanOrEqual(1_000)
  })

  it('kills who hasn’t ended when its grace period is over', async () => {
    const container =
      identity +
      `
            - { name: END_AFTER_MS, value: never }`
    await cluster.install(toyDeployment(1, 'terminationGracePeriodSeconds: 2', container))
    await cluster.settled(patienceMs)
    const [name = ''] = names()
    cluster.deletePod(name)
    const gone = await seen((event) => event.kind === 'pod' && event.pod === name && event.change === 'gone')
    const changes = cluster.events.flatMap((event) =>
      event.kind === 'container' && event.pod === name ? [event.change] : [],
    )
    expect(changes).toEqual(['started', 'asked to end', 'killed', 'exited'])
    const deleted = await seen(
      (event) => event.kind === 'pod' && event.pod === name && event.change === 'deleted',
    )
    expect(gone.atMs - deleted.atMs).toBeGreaterThanOrEqual(1_990)
  })

  it('restarts a container that isn’t alive, in the same pod', async () => {
    const container = `${identity}
          livenessProbe: { httpGet: { path: /alive, port: web }, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 2 }`
    await cluster.install(toyDeployment(1, '', container))
    await cluster.settled(patienceMs)
    const [name = ''] = names()
    await knows(name)
    await ask('/hang')
    await seen((event) => event.kind === 'container' && event.change === 'not alive')
    await cluster.until(
      'the restart',
      () =>
        cluster.events.filter((event) => event.kind === 'container' && event.change === 'started').length ===
        2,
      patienceMs,
    )
    expect(await cluster.settled(patienceMs)).toEqual({ kind: 'complete' })
    expect(names()).toEqual([name])
  })

  it('keeps a StatefulSet’s names, addresses and claims when a pod is replaced', async () => {
    const write = `const fs = require('node:fs'); fs.appendFileSync(process.env.F, 'x'); console.log(fs.readFileSync(process.env.F, 'utf8')); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e3)`
    const set = parseManifests(`
kind: StatefulSet
metadata: { name: toy }
spec:
  replicas: 2
  serviceName: toy
  volumeClaimTemplates: [{ metadata: { name: data } }]
  template: { spec: { containers: [{ name: c, image: toy, args: [${JSON.stringify(write)}], env: [{ name: F, value: /data/f }], volumeMounts: [{ name: data, mountPath: /data }] }] } }`)
    await cluster.install(set)
    await cluster.settled(patienceMs)
    expect(names()).toEqual(['toy-0', 'toy-1'])
    const [first] = cluster.podsOf('toy')
    await eventually(() => first?.container()?.lines[0] === 'x', { timeoutMs: patienceMs })
    cluster.deletePod('toy-0')
    await seen((event) => event.kind === 'pod' && event.pod === 'toy-0' && event.change === 'gone')
    await cluster.settled(patienceMs)
    const again = cluster.podsOf('toy').find(({ name }) => name === 'toy-0')
    expect(again?.address).toBe(first?.address)
    await eventually(() => again?.container()?.lines[0] === 'xx', { timeoutMs: patienceMs })
  })

  it('takes its processes along when it is killed itself, so that nothing is left behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'natter-toy-')) // what is killed can't tidy up
    const other = await startProcess({
      args: [join(import.meta.dirname, 'toy-cluster.ts')],
      env: { TMPDIR: folder },
    })
    const line = await other.waitForLine((one) => one.startsWith('pids '), patienceMs)
    const pids = line.split(' ').slice(1)
    const runs = (pid: string): boolean =>
      existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    expect(pids.map(runs)).toEqual([true, true])
    await other.kill('SIGKILL')
    await eventually(() => !pids.some(runs), { timeoutMs: patienceMs })
    await rm(folder, { recursive: true })
  }, 30_000)
})
