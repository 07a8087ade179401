import { expect, it } from '@jest/globals'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { textsOf } from '../cluster/manifests.js'
import { describeWithHelm, render, rendering, renderingNames, type RenderingName } from './renderings.js'
import { matches, specsOf, workload, workloadsOf, type Selector } from './workloads.js'

const repo = join(import.meta.dirname, '../../..')
/** Names in Kubernetes are labels of DNS. */
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

describeWithHelm('every pod of the chart', () => {
  it.each(renderingNames)('with %s runs as nobody, with nothing to gain and nothing to write', (name) => {
    for (const { name: who, pod, containers } of workloadsOf(rendering(name))) {
      expect([who, pod.securityContext?.runAsNonRoot]).toEqual([who, true])
      expect(pod.securityContext?.runAsUser).toBeGreaterThan(0)
      expect(pod.securityContext?.runAsGroup).toBeGreaterThan(0)
      expect(pod.securityContext?.seccompProfile).toEqual({ type: 'RuntimeDefault' })
      expect(pod.hostNetwork ?? pod.hostPID ?? false).toBe(false)
      for (const { securityContext } of containers) {
        expect([who, securityContext]).toEqual([
          who,
          {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        ])
      }
    }
  })

  it('of an image of ours runs as the user that the image has', () => {
    const own = workloadsOf(rendering('everything')).filter(({ name }) => !/nats|postgres/.test(name))
    expect(own.map(({ pod }) => pod.securityContext?.runAsUser)).toEqual(own.map(() => 10_001))
    expect(own.length).toBeGreaterThan(5)
  })

  it.each(renderingNames)('with %s gets no token of the API server, and an account that is there', (name) => {
    const manifests = rendering(name)
    const accounts = specsOf(manifests, 'ServiceAccount').map((account) => account.name)
    for (const { name: who, pod } of workloadsOf(manifests)) {
      expect([who, pod.automountServiceAccountToken]).toEqual([who, false])
      expect(['default', ...accounts]).toContain(pod.serviceAccountName)
    }
  })

  it('is told of no Service by environment, because that of natter-gateway would set NATTER_GATEWAY_PORT', () => {
    for (const { name, pod } of workloadsOf(rendering('everything')))
      expect([name, pod.enableServiceLinks]).toEqual([name, false])
  })

  it.each(renderingNames)('with %s says what it needs, and what memory it may take', (name) => {
    for (const { name: who, containers } of workloadsOf(rendering(name))) {
      for (const { resources } of containers)
        expect([who, resources]).toEqual([
          who,
          {
            requests: { cpu: expect.anything(), memory: expect.anything() },
            limits: { memory: expect.anything() },
          },
        ])
    }
  })

  it.each(renderingNames)(
    'with %s is asked whether it is ready and alive, but for Jobs and apps without a port',
    (name) => {
      for (const { name: who, containers, isJob } of workloadsOf(rendering(name))) {
        if (isJob || (/app-(shop|worker-of-shop)$/.test(who) && containers[0]?.ports === undefined)) continue
        for (const container of containers) {
          expect([who, container.readinessProbe]).toEqual([who, expect.anything()])
          expect([who, container.livenessProbe]).toEqual([who, expect.anything()])
        }
      }
    },
  )

  it('of ours is not ready within 3 s of the cause, and alive as long as it answers within 10 s', () => {
    for (const name of ['gateway', 'persistence', 'messenger']) {
      const [container] = workload(rendering('everything'), `Deployment natter-${name}`).containers
      const { readinessProbe: ready, livenessProbe: live, startupProbe: start } = container ?? {}
      // a NATS that hangs is noticed within 1.6 s (libs/broker), and what is noticed is answered at once
      const worstMs = 1600 + (ready?.failureThreshold ?? 3) * (ready?.periodSeconds ?? 10) * 1000
      expect(worstMs).toBeLessThanOrEqual(3000)
      expect(ready?.httpGet).toEqual({ path: '/health/ready', port: 'ops' })
      expect(live).toEqual({
        httpGet: { path: '/health/live', port: 'ops' },
        periodSeconds: 1,
        timeoutSeconds: 10,
        failureThreshold: 1,
      })
      // else the first question, to a process that doesn't listen yet, would be its end
      expect(start?.httpGet).toEqual(live?.httpGet)
      // a cold start on a busy machine
      expect((start?.failureThreshold ?? 3) * (start?.periodSeconds ?? 10)).toBeGreaterThanOrEqual(60)
    }
  })

  it.each(renderingNames)('with %s asks and names ports that its containers have', (name) => {
    for (const { name: who, containers } of workloadsOf(rendering(name))) {
      for (const { ports = [], readinessProbe, livenessProbe, startupProbe } of containers) {
        const probed = [readinessProbe, livenessProbe, startupProbe]
          .map((probe) => probe?.httpGet?.port ?? probe?.tcpSocket?.port)
          .filter((port) => port !== undefined)
        for (const port of probed)
          expect([who, ports.map((one) => one.name)]).toEqual([who, expect.arrayContaining([port])])
      }
    }
  })

  it.each(renderingNames)('with %s mounts what there is, at places that don’t meet', (name) => {
    const manifests = rendering(name)
    const own = new Map(
      manifests
        .filter(({ kind }) => kind === 'ConfigMap' || kind === 'Secret')
        .map((one) => [`${one.kind} ${one.metadata.name}`, Object.keys(textsOf(one))]),
    )
    for (const { name: who, manifest, pod, containers } of workloadsOf(manifests)) {
      const claims =
        (manifest.spec as { volumeClaimTemplates?: { metadata: { name: string } }[] }).volumeClaimTemplates ??
        []
      const volumes = [
        ...(pod.volumes ?? []).map((volume) => volume.name),
        ...claims.map(({ metadata }) => metadata.name),
      ]
      for (const { configMap } of pod.volumes ?? [])
        if (configMap !== undefined)
          expect([who, own.get(`ConfigMap ${configMap.name}`)]).toEqual([who, expect.anything()])
      for (const { volumeMounts = [] } of containers) {
        for (const mount of volumeMounts)
          expect([who, volumes]).toEqual([who, expect.arrayContaining([mount.name])])
        const places = volumeMounts.map(({ mountPath }) => mountPath)
        expect([who, places]).toEqual([who, expect.arrayContaining(['/tmp'])]) // all else can only be read
        expect([who, places]).toEqual([who, [...new Set(places)]])
      }
      expect(new Set(volumes).size).toBe(volumes.length)
    }
  })

  it.each(renderingNames)('with %s takes from Secrets of the release only keys that they have', (name) => {
    const manifests = rendering(name)
    const secrets = new Map(
      manifests
        .filter(({ kind }) => kind === 'Secret')
        .map((one) => [one.metadata.name, Object.keys(textsOf(one))]),
    )
    const taken = workloadsOf(manifests).flatMap(({ name: who, containers }) =>
      containers.flatMap(({ env = [] }) =>
        env.flatMap(({ valueFrom }) =>
          valueFrom?.secretKeyRef === undefined ? [] : [{ who, ...valueFrom.secretKeyRef }],
        ),
      ),
    )
    const foreign = ['my-tokens', 'my-nats', 'my-postgres', 'natter-tokens', 'natter-postgres', 'shop']
    for (const { who, name: secret, key } of taken) {
      const keys = secrets.get(secret)
      if (keys === undefined) expect([who, foreign]).toEqual([who, expect.arrayContaining([secret])])
      else expect([who, keys]).toEqual([who, expect.arrayContaining([key])])
    }
    expect(taken.length).toBeGreaterThan(0)
  })
})

describeWithHelm('a rollout', () => {
  it.each(renderingNames)('with %s takes one away only when one more is ready', (name) => {
    for (const { spec } of specsOf(rendering(name), 'Deployment'))
      expect(spec.strategy).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
      })
  })

  it.each(renderingNames)('with %s leaves a gateway the time to send its clients elsewhere', (name) => {
    const gateway = workloadsOf(rendering(name)).find(({ name: who }) => /Deployment .*-gateway$/.test(who))
    const env = Object.fromEntries((gateway?.containers[0]?.env ?? []).map((one) => [one.name, one.value]))
    const graceSeconds = gateway?.pod.terminationGracePeriodSeconds ?? 30
    const [delay, deadline] = ['NATTER_DRAIN_DELAY', 'NATTER_DRAIN_DEADLINE'].map((key) =>
      Number.parseInt(env[key] ?? '', 10),
    )
    expect(deadline).toBe(graceSeconds - 2)
    // what one gateway may hold, at the rate, and what is kept for after the last close (docs/operations/drain.md)
    const windowSeconds = 15_000 / Number(env['NATTER_DRAIN_RATE'])
    expect((delay ?? Number.NaN) + windowSeconds + 5.6).toBeLessThanOrEqual(graceSeconds - 2)
    // it waits by itself: with a pause of Kubernetes’ it would wait twice
    expect(gateway?.containers[0]?.lifecycle).toBeUndefined()
  })

  it('lets what balancers reach by HTTP go on for 5 s, and end by itself afterwards', () => {
    for (const name of ['messenger', 'app-shop', 'app-worker-of-shop']) {
      const { pod, containers } = workload(rendering('everything'), `Deployment natter-${name}`)
      expect(containers[0]?.lifecycle?.preStop).toEqual({ sleep: { seconds: 5 } })
      // what an app may take for what it has in work
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(5 + 10 + 2)
    }
  })

  it('makes pods anew when natter.yaml changed, and only then', () => {
    const annotations = (values: object) =>
      Object.fromEntries(
        workloadsOf(render({ values: { messenger: { enabled: true, gateways: ['ws://x/'] }, ...values } }))
          .filter(({ isJob }) => !isJob)
          .map(({ name, annotations: own }) => [name, own]),
      )
    const [before, same, other] = [
      {},
      { gateway: { replicas: 3 } },
      { config: { log: { level: 'debug' } } },
    ].map(annotations)
    expect(same).toEqual(before)
    for (const name of ['gateway', 'persistence', 'messenger'])
      expect(other?.[`Deployment natter-${name}`]).not.toEqual(before?.[`Deployment natter-${name}`])
    for (const name of ['nats', 'postgres'])
      expect(other?.[`StatefulSet natter-${name}`]).toEqual(before?.[`StatefulSet natter-${name}`])
    const files = (text: string) =>
      workload(
        render({ values: { apps: { shop: { image: 'x', files: { a: text } } } } }),
        'Deployment natter-app-shop',
      ).annotations
    expect(files('one')).not.toEqual(files('two'))
  })

  it('makes no server of NATS anew for a new version of the chart: the label of it is on no pod', () => {
    for (const { name, labels } of workloadsOf(rendering('everything')))
      expect([name, Object.keys(labels).filter((key) => /chart|version/.test(key))]).toEqual([name, []])
  })
})

describeWithHelm('hooks', () => {
  const annotationsOf = (flags: string[]) =>
    Object.fromEntries(
      render({ flags })
        .filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)
        .map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.annotations?.['helm.sh/hook']]),
    )

  it('come after what an install brings, and before the pods of an upgrade', () => {
    const companion = 'post-install,pre-upgrade,post-upgrade'
    expect(annotationsOf([])).toEqual({
      'ConfigMap natter-hooks': companion,
      'ServiceAccount natter-hooks': companion,
      'NetworkPolicy natter-provision-out': companion,
      'NetworkPolicy natter-migrate-out': companion,
      'Job natter-provision': 'post-install,pre-upgrade',
      'Job natter-migrate': 'post-install,pre-upgrade',
    })
  })

  it('come after an upgrade that brings NATS and Postgres only then: nobody would answer before', () => {
    expect(annotationsOf(['--is-upgrade'])).toMatchObject({
      'Job natter-provision': 'post-upgrade',
      'Job natter-migrate': 'post-upgrade',
    })
  })

  it('run where the pods of their app may: else an install would wait for a node that takes them', () => {
    const placement = (pool: string) => ({
      nodeSelector: { pool },
      tolerations: [{ key: pool, operator: 'Exists' }],
    })
    const values = { gateway: placement('edge'), persistence: placement('data') }
    const found = workloadsOf(render({ values })).filter(({ isJob }) => isJob)
    expect(found.map(({ name, pod }) => [name, pod])).toEqual(
      expect.arrayContaining([
        ['Job natter-provision', expect.objectContaining(placement('edge'))],
        ['Job natter-migrate', expect.objectContaining(placement('data'))],
      ]),
    )
  })

  it('start commands that the images have, with the configuration of the release that comes', () => {
    const jobs = workloadsOf(rendering('defaults')).filter(({ isJob }) => isJob)
    const sources = jobs.map(({ containers: [container] }) => {
      const app = /natter\/(\w+):/.exec(container?.image ?? '')?.[1]
      return `apps/${app}/${container?.args?.[0]?.replace(/\.js$/, '.ts')}`
    })
    expect(sources.toSorted()).toEqual(['apps/gateway/src/provision.ts', 'apps/persistence/src/migrate.ts'])
    expect(sources.filter((file) => !existsSync(join(repo, file)))).toEqual([])
    for (const { pod } of jobs) {
      expect(pod.restartPolicy).toBe('Never')
      expect(pod.volumes?.find(({ name }) => name === 'config')?.configMap?.name).toBe('natter-hooks')
    }
  })
})

describeWithHelm('names', () => {
  it.each(renderingNames)(
    'with %s fit, each is there once, and selectors choose the pods of one workload',
    (name) => {
      const manifests = rendering(name)
      for (const { kind, metadata } of manifests) {
        expect(metadata.name).toMatch(dnsLabel)
        // of a pod of a StatefulSet its name and a hash become a label
        expect(metadata.name.length).toBeLessThanOrEqual(kind === 'StatefulSet' ? 52 : 63)
        for (const value of Object.values(metadata.labels ?? {})) expect(value).toMatch(/^[\w.-]{0,63}$/)
      }
      const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      expect(names).toEqual([...new Set(names)])
      const workloads = workloadsOf(manifests)
      for (const { name: who, manifest, isJob } of workloads) {
        if (isJob) continue
        const { selector } = manifest.spec as { selector: Selector }
        const chosen = workloads.filter(({ labels }) => matches(selector, labels)).map((one) => one.name)
        expect(chosen).toEqual([who])
      }
    },
  )

  it.each(renderingNames)(
    'with %s of Services lead to one workload each, and to ports that it has',
    (name) => {
      const manifests = rendering(name)
      const services = specsOf(manifests, 'Service')
      for (const { name: service, spec } of services) {
        const behind = workloadsOf(manifests).filter(({ labels }) =>
          matches({ matchLabels: spec.selector }, labels),
        )
        expect([service, behind.length]).toEqual([service, 1])
        const named = behind.flatMap(({ containers }) =>
          containers.flatMap(({ ports = [] }) => ports.map((port) => port.name)),
        )
        for (const { targetPort } of spec.ports)
          expect([service, named]).toEqual([service, expect.arrayContaining([targetPort])])
      }
      expect(services.length).toBeGreaterThan(1)
    },
  )

  it.each(renderingNames)(
    'with %s that ingresses, autoscalers, budgets and monitors give lead to something',
    (name) => {
      const manifests = rendering(name)
      const workloads = workloadsOf(manifests)
      const deployments = specsOf(manifests, 'Deployment').map((one) => one.name)
      const services = new Map(
        specsOf(manifests, 'Service').map(({ name: service, spec }) => [
          service,
          spec.ports.map((port) => port.name),
        ]),
      )
      for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject'] as const)
        for (const { spec } of specsOf(manifests, kind))
          expect(deployments).toContain(spec.scaleTargetRef.name)
      const selectors = [
        ...specsOf(manifests, 'PodDisruptionBudget').map(({ name: who, spec }) => ({
          who,
          selector: spec.selector,
        })),
        ...specsOf(manifests, 'PodMonitor').map(({ name: who, spec }) => ({ who, selector: spec.selector })),
        ...specsOf(manifests, 'NetworkPolicy').map(({ name: who, spec }) => ({
          who,
          selector: spec.podSelector,
        })),
      ]
      for (const { who, selector } of selectors) {
        const chosen = workloads.filter(({ labels }) => matches(selector, labels))
        expect([who, chosen.length > 0]).toEqual([who, true])
      }
      for (const { spec } of specsOf(manifests, 'Ingress'))
        for (const { backend } of spec.rules.flatMap(({ http }) => http.paths))
          expect(services.get(backend.service.name)).toContain(backend.service.port.name)
    },
  )

  it('of two releases in one namespace never meet, also where one is called like the beginning of the other', () => {
    const values = {
      messenger: { enabled: true, gateways: ['ws://x/'] },
      apps: { shop: { image: 'x', port: 80 } },
    }
    const long = 'a-release-with-a-name-of-fifty-three-characters-in-'
    const releases = ['a', 'natter', 'a-natter', 'natter-a', `${long}it`, `${long}on`]
    const all = releases.map((release) => ({ release, manifests: render({ release, values }) }))
    const names = all.flatMap(({ manifests }) =>
      manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    )
    expect(names).toEqual([...new Set(names)])
    for (const { release, manifests } of all) {
      const selectors = workloadsOf(manifests).filter(({ isJob }) => !isJob)
      for (const { manifest } of selectors) {
        const { selector } = manifest.spec as { selector: Selector }
        const others = all
          .filter((one) => one.release !== release)
          .flatMap((one) => workloadsOf(one.manifests))
        expect(others.filter(({ labels }) => matches(selector, labels))).toEqual([])
      }
    }
  })
})

describeWithHelm('the spread over machines', () => {
  type Spread = { topologyKey: string; whenUnsatisfiable: string }[]
  const spreadOf = (name: RenderingName, of: string): Spread =>
    (workload(rendering(name), of).pod as { topologySpreadConstraints?: Spread }).topologySpreadConstraints ??
    []

  it('is demanded of nodes where the values do, and only wished of zones: nodes without that label would take no pod', () => {
    expect(
      spreadOf('production', 'Deployment natter-gateway').map((one) => [
        one.topologyKey,
        one.whenUnsatisfiable,
      ]),
    ).toEqual([
      ['kubernetes.io/hostname', 'DoNotSchedule'],
      ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
    ])
  })

  it('is demanded of three servers of NATS: three copies on one machine would be one', () => {
    const affinityOf = (name: RenderingName) =>
      (workload(rendering(name), 'StatefulSet natter-nats').pod as { affinity?: object }).affinity
    expect(affinityOf('defaults')).toHaveProperty(
      'podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey',
      'kubernetes.io/hostname',
    )
    expect(affinityOf('test')).toBeUndefined()
  })
})

describeWithHelm('autoscaling', () => {
  const slowly = {
    stabilizationWindowSeconds: 600,
    policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
  }

  it('takes one gateway away at a time, after ten minutes, because each one less closes sockets', () => {
    const [hpa] = specsOf(rendering('everything'), 'HorizontalPodAutoscaler')
    expect(hpa?.spec.behavior.scaleDown).toEqual(slowly)
    const [keda] = specsOf(rendering('production'), 'ScaledObject')
    expect(keda?.spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown).toEqual(slowly)
  })

  it('owns the number: the Deployment doesn’t give one, or each upgrade would set it back', () => {
    for (const name of ['everything', 'production'] as const)
      expect(workload(rendering(name), 'Deployment natter-gateway').manifest.spec).not.toHaveProperty(
        'replicas',
      )
    expect(workload(rendering('defaults'), 'Deployment natter-gateway').manifest.spec).toHaveProperty(
      'replicas',
      2,
    )
  })
})
