/** Where an ingress, an autoscaler and a disruption budget lead: that they lead somewhere is not enough. */
import { expect, it } from '@jest/globals'
import { textsOf, type Manifest } from '../cluster/manifests.js'
import {
  describeWithHelm,
  find,
  render,
  rendering,
  renderingNames,
  type RenderingName,
} from './renderings.js'
import { matches, specsOf, workload, workloadsOf, type Selector } from './workloads.js'

interface Budget {
  maxUnavailable?: number
  minAvailable?: number
  selector: Selector
}

interface Route {
  host: string
  http: { paths: { path: string; backend: { service: { name: string; port: { name: string } } } }[] }
}

const routesOf = ({ spec }: Manifest): string[] =>
  (spec as { rules: Route[] }).rules.flatMap(({ host, http }) =>
    http.paths.map(
      ({ path, backend: { service } }) => `${host}${path} > ${service.name}:${service.port.name}`,
    ),
  )

describeWithHelm('an autoscaler', () => {
  it.each([
    [
      'everything',
      'HorizontalPodAutoscaler',
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'natter-gateway' },
    ],
    ['production', 'ScaledObject', { name: 'natter-gateway' }],
  ] as const)('of %s, a %s, has the gateways, and nobody else', (name, kind, target) => {
    const all = rendering(name).filter((one) =>
      ['HorizontalPodAutoscaler', 'ScaledObject'].includes(one.kind),
    )
    expect(all.map((one) => one.kind)).toEqual([kind])
    expect(all[0]?.spec).toHaveProperty('scaleTargetRef', target)
  })

  it('keeps between the bounds that it was given, whoever does it', () => {
    const boundsOf = (autoscaling: object) =>
      render({ values: { gateway: { autoscaling: { minReplicas: 4, maxReplicas: 9, ...autoscaling } } } })
        .filter(({ kind }) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(kind))
        .map(({ spec }) => spec)
    expect(boundsOf({ by: 'hpa' })).toMatchObject([{ minReplicas: 4, maxReplicas: 9 }])
    const keda = { by: 'keda', prometheusAddress: 'http://x:9090' }
    expect(boundsOf(keda)).toMatchObject([
      { minReplicaCount: 4, maxReplicaCount: 9, fallback: { replicas: 4 } },
    ])
  })
})

describeWithHelm('a disruption budget', () => {
  it.each(renderingNames)('with %s lets one pod go, of the workload that it is named after alone', (name) => {
    const manifests = rendering(name)
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')
    for (const { metadata, spec } of budgets) {
      const { selector, ...rest } = spec as Budget
      // 0 would keep a node from being emptied, and two of three servers of NATS are no quorum
      expect([metadata.name, rest]).toEqual([metadata.name, expect.objectContaining({ maxUnavailable: 1 })])
      const chosen = workloadsOf(manifests).filter(({ labels }) => matches(selector, labels))
      expect(chosen.map((one) => one.manifest.metadata.name)).toEqual([metadata.name])
    }
    expect(budgets.length).toBeGreaterThan(0)
  })
})

describeWithHelm('an ingress', () => {
  it('leads clients to the gateways, a browser to the page, and each app’s name to the app', () => {
    const manifests = rendering('everything')
    expect(routesOf(find(manifests, 'Ingress', 'natter'))).toEqual([
      'natter.example.com/connection > natter-gateway:clients',
      'natter.example.com/emulation > natter-gateway:clients',
      'natter.example.com/ > natter-messenger:http',
    ])
    expect(routesOf(find(manifests, 'Ingress', 'natter-app-shop'))).toEqual([
      'shop.example.com/ > natter-app-shop:http',
    ])
  })

  it('has the certificate that it was given', () => {
    const tlsOf = (name: string) =>
      (find(rendering('everything'), 'Ingress', name).spec as { tls?: object[] }).tls
    expect(tlsOf('natter')).toEqual([{ hosts: ['natter.example.com'], secretName: 'natter-tls' }])
    expect(tlsOf('natter-app-shop')).toEqual([{ hosts: ['shop.example.com'], secretName: 'shop-tls' }])
  })

  it('keeps a silent socket for longer than the gateway does, 33 s', () => {
    const ingress = { enabled: true, host: 'a.b' }
    const { annotations = {} } = find(render({ values: { ingress } }), 'Ingress', 'natter').metadata
    for (const which of ['read', 'send'])
      expect(Number(annotations[`nginx.ingress.kubernetes.io/proxy-${which}-timeout`])).toBeGreaterThan(66)
  })
})

describeWithHelm('an address that an app is given', () => {
  const ownAddress = /^\w+:\/\/(?:[^@]*@)?(natter-[\w-]+):(\d+)/

  it('is a Service’s, and leads to the port at which the server listens', () => {
    const manifests = rendering('everything')
    const url = textsOf(find(manifests, 'Secret', 'natter-postgres'))['url'] ?? ''
    const variables = workloadsOf(manifests).flatMap(({ containers }) =>
      containers.flatMap(({ env = [] }) => env.map(({ value = '' }) => value)),
    )
    const addresses = new Set(
      [url, ...variables].flatMap((text) => ownAddress.exec(text)?.slice(1).join(':') ?? []),
    )
    expect([...addresses].toSorted()).toEqual(['natter-nats:4222', 'natter-postgres:5432'])
    const ports = Object.fromEntries(
      specsOf(manifests, 'Service').flatMap(({ name, spec }) =>
        spec.ports.map(({ port, targetPort }) => [`${name}:${port}`, targetPort]),
      ),
    )
    expect(ports).toMatchObject({ 'natter-nats:4222': 'client', 'natter-postgres:5432': 'postgres' })
    const listening = (name: string) =>
      workload(manifests, name).containers.flatMap(({ ports: own = [] }) =>
        own.map(({ name: port, containerPort }) => [port, containerPort]),
      )
    expect(listening('StatefulSet natter-nats')).toContainEqual(['client', 4222])
    expect(listening('StatefulSet natter-postgres')).toContainEqual(['postgres', 5432])
  })
})

describeWithHelm('a monitor', () => {
  it('asks all that alerts and autoscalers ask about', () => {
    const manifests = rendering('everything')
    const [monitor] = specsOf(manifests, 'PodMonitor')
    const chosen = workloadsOf(manifests).filter(({ labels }) =>
      matches(monitor?.spec.selector ?? {}, labels),
    )
    expect(chosen.map(({ name }) => name).toSorted()).toEqual(
      ['gateway', 'messenger', 'persistence'].map((name) => `Deployment natter-${name}`),
    )
  })
})

describeWithHelm('a hook', () => {
  const hooksOf = (name: RenderingName) =>
    rendering(name).filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)

  it('finds its settings: their ConfigMap is made before the Jobs', () => {
    const weightOf = ({ metadata }: Manifest) => Number(metadata.annotations?.['helm.sh/hook-weight'])
    const weights = (kind: string) =>
      hooksOf('everything')
        .filter((one) => one.kind === kind)
        .map(weightOf)
    expect(weights('Job')).toHaveLength(2)
    expect(Math.max(...weights('ConfigMap'))).toBeLessThan(Math.min(...weights('Job')))
  })

  it('makes way for the next one: a Job of the last upgrade that is still there would stop this one', () => {
    for (const { metadata } of hooksOf('everything'))
      expect(metadata.annotations?.['helm.sh/hook-delete-policy']?.split(',')).toContain(
        'before-hook-creation',
      )
  })
})

describeWithHelm('a server with data', () => {
  it.each(['natter-nats', 'natter-postgres'])(
    '%s leaves its volume behind, whatever becomes of it',
    (name) => {
      for (const which of ['defaults', 'test', 'everything'] as const)
        expect(find(rendering(which), 'StatefulSet', name).spec).toHaveProperty(
          'persistentVolumeClaimRetentionPolicy',
          { whenDeleted: 'Retain', whenScaled: 'Retain' },
        )
    },
  )

  it('of NATS starts beside the others, is not restarted while it catches up, and has time to hand over', () => {
    const manifests = rendering('defaults')
    const { spec } = find(manifests, 'StatefulSet', 'natter-nats')
    // one alone is no quorum, so it would never be ready, and the second would never be started
    expect(spec).toHaveProperty('podManagementPolicy', 'Parallel')
    const nats = workload(manifests, 'StatefulSet natter-nats')
    const [container] = nats.containers
    expect(container?.livenessProbe?.httpGet?.path).toBe('/healthz?js-enabled-only=true')
    expect(container?.lifecycle?.preStop?.exec?.command).toEqual([
      'nats-server',
      '--signal',
      'ldm=/tmp/nats.pid',
    ])
    const conf = find(manifests, 'ConfigMap', 'natter-nats').data?.['nats.conf'] ?? ''
    expect(conf).toContain('pid_file: /tmp/nats.pid')
    const seconds = ['grace_period', 'duration'].map((key) =>
      Number(new RegExp(`lame_duck_${key}: (\\d+)s`).exec(conf)?.[1]),
    )
    const handoverSeconds = seconds.reduce((sum, one) => sum + one, 0)
    expect(nats.pod.terminationGracePeriodSeconds).toBeGreaterThan(handoverSeconds)
  })
})
