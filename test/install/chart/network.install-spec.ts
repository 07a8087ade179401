import { expect, it } from '@jest/globals'
import { isHook } from '../cluster/hooks.js'
import type { Manifest } from '../cluster/manifests.js'
import { isAllowed, type Party } from './policies.js'
import { describeWithHelm, render, rendering, renderingNames, type RenderingName } from './renderings.js'
import { matches, specsOf, workloadsOf } from './workloads.js'

const namespaced = (name: string): Party => ({
  name,
  labels: { app: name },
  namespaceLabels: { 'kubernetes.io/metadata.name': name },
  ports: [],
})

/** Who might try, beside the pods of the release. */
const strangers: Party[] = [
  { name: 'outside', ports: [] },
  namespaced('ingress-nginx'),
  namespaced('monitoring'),
  { name: 'neighbour', labels: { app: 'neighbour' }, ports: [{ name: 'http', number: 8080 }] },
]

/** What lies outside and is reached: by its ports alone. */
const services: Party[] = [
  { name: 'dns', ports: [{ name: 'dns', number: 53 }] },
  { name: 'internet', ports: [443, 4222, 5432, 6432].map((number) => ({ name: String(number), number })) },
]

function podsOf(manifests: readonly Manifest[]): Party[] {
  return workloadsOf(manifests).map(({ labels, containers }) => ({
    name: labels['app.kubernetes.io/component'] ?? '',
    labels,
    ports: containers.flatMap(({ ports = [] }) =>
      ports.map(({ name = '', containerPort }) => ({ name, number: containerPort })),
    ),
  }))
}

/** `gateway > nats:client`, each connection that is allowed. */
function connections(manifests: readonly Manifest[]): string[] {
  const policies = specsOf(manifests, 'NetworkPolicy').map(({ spec }) => spec)
  const pods = podsOf(manifests)
  return [...pods, ...strangers].flatMap((from) => {
    const reached = strangers.includes(from) ? pods : [...pods, ...strangers, ...services]
    return reached.flatMap((to) =>
      to.ports
        .filter((port) => isAllowed(policies, from, to, port))
        .map((port) => `${from.name} > ${to.name}:${port.name}`),
    )
  })
}

const natsUsers = ['gateway', 'persistence', 'messenger', 'app-shop', 'app-worker-of-shop', 'provision']
const pods = [...natsUsers, 'migrate', 'nats', 'postgres']
const doors = ['gateway:clients', 'messenger:http', 'app-shop:http']
const privateDoors = ['gateway:ops', 'persistence:ops', 'messenger:ops', 'nats:monitor']

describeWithHelm('the network policies', () => {
  it('allow each connection that the release needs, and no other', () => {
    expect(connections(rendering('everything')).toSorted()).toEqual(
      [
        ...pods.map((name) => `${name} > dns:dns`),
        ...natsUsers.map((name) => `${name} > nats:client`),
        'nats > nats:route',
        'persistence > postgres:postgres',
        'migrate > postgres:postgres',
        ...doors.map((door) => `ingress-nginx > ${door}`),
        ...privateDoors.map((door) => `monitoring > ${door}`),
        'app-shop > internet:443',
      ].toSorted(),
    )
  })

  it('let everybody at the clients’ ports where nobody was named, and at nothing else', () => {
    const values = { messenger: { enabled: true, gateways: ['ws://x/'] } }
    const fromOutside = connections(render({ values })).filter((one) =>
      /^(outside|neighbour|ingress-nginx) /.test(one),
    )
    expect(fromOutside.toSorted()).toEqual(
      ['ingress-nginx', 'neighbour', 'outside']
        .flatMap((who) => ['gateway:clients', 'messenger:http'].map((door) => `${who} > ${door}`))
        .toSorted(),
    )
  })

  it('open the way to a NATS and a Postgres of somebody else’s, by their ports and addresses', () => {
    const found = connections(rendering('external')).filter((one) => one.includes('internet'))
    expect(found.toSorted()).toEqual([
      'app-shop > internet:4222',
      'gateway > internet:4222',
      'messenger > internet:4222',
      'migrate > internet:6432',
      'persistence > internet:4222',
      'persistence > internet:6432',
      'provision > internet:4222',
    ])
  })

  it('let the Jobs of an upgrade reach another NATS and Postgres, while all else is still the old release’s', () => {
    const old = rendering('defaults').filter((manifest) => !isHook(manifest))
    const found = connections([...old, ...rendering('external').filter(isHook)])
    for (const way of ['provision > internet:4222', 'migrate > internet:6432', 'migrate > dns:dns'])
      expect(found).toContain(way)
    expect(found).not.toContain('provision > internet:6432')
  })

  it('let backends that were named at the API and nobody else, because who reaches it needs one key for everything', () => {
    const api = { existingSecret: 'x' }
    const at = (values: object) =>
      connections(render({ values })).filter((one) => one.endsWith('gateway:api'))
    expect(at({ api })).toEqual([])
    const neighbour = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } },
    }
    expect(at({ api, networkPolicy: { backends: [neighbour] } })).toEqual(['ingress-nginx > gateway:api'])
  })

  it('let nobody read metrics where nobody was named', () => {
    const found = connections(render({ values: { networkPolicy: { monitoring: [] } } }))
    expect(found.filter((one) => /:(ops|monitor)$/.test(one))).toEqual([])
  })

  it.each(renderingNames.filter((name): name is RenderingName => name !== 'bare'))(
    'with %s leave no pod of the release unguarded in either direction',
    (name) => {
      const policies = specsOf(rendering(name), 'NetworkPolicy').map(({ spec }) => spec)
      const isGuarded = (labels: Readonly<Record<string, string>>, direction: string) =>
        policies.some(
          ({ podSelector, policyTypes }) => policyTypes.includes(direction) && matches(podSelector, labels),
        )
      for (const { name: who, labels } of workloadsOf(rendering(name)))
        for (const direction of ['Ingress', 'Egress'])
          expect([who, direction, isGuarded(labels, direction)]).toEqual([who, direction, true])
    },
  )

  it('are absent where they are off', () => {
    expect(specsOf(rendering('bare'), 'NetworkPolicy')).toEqual([])
  })
})
