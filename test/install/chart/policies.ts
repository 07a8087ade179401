/**
 * What network policies allow, as a plugin that enforces them would. Pure.
 *
 * A pod that some policy of a direction chooses may do in it only what these policies say; one that none chooses may do all. A
 * connection is there when its beginning may leave and its end may be entered.
 */
import { matches, type NetworkPolicySpec, type Peer, type PolicyPort } from './workloads.js'

/** Who speaks or is spoken to: a pod of the release, or somebody else. */
export interface Party {
  readonly name: string
  /** None: a party outside the cluster. */
  readonly labels?: Readonly<Record<string, string>>
  /** Labels of its namespace, where it isn't that of the release. */
  readonly namespaceLabels?: Readonly<Record<string, string>>
  readonly ports: readonly { readonly name: string; readonly number: number }[]
}

/** Whether policies of the release let one reach a port of the other. */
export function isAllowed(
  policies: readonly NetworkPolicySpec[],
  from: Party,
  to: Party,
  port: Party['ports'][number],
): boolean {
  return mayLeave(policies, from, to, port) && mayEnter(policies, from, to, port)
}

function mayLeave(
  policies: readonly NetworkPolicySpec[],
  from: Party,
  to: Party,
  port: Party['ports'][number],
) {
  const chosen = of('Egress', policies, from)
  return (
    chosen.length === 0 ||
    chosen.some(({ egress = [] }) => egress.some((rule) => isPort(rule.ports, port) && isPeer(rule.to, to)))
  )
}

function mayEnter(
  policies: readonly NetworkPolicySpec[],
  from: Party,
  to: Party,
  port: Party['ports'][number],
) {
  const chosen = of('Ingress', policies, to)
  return (
    chosen.length === 0 ||
    chosen.some(({ ingress = [] }) =>
      ingress.some((rule) => isPort(rule.ports, port) && isPeer(rule.from, from)),
    )
  )
}

/** Policies are of the release's namespace: they choose no one else. */
function of(direction: string, policies: readonly NetworkPolicySpec[], { labels, namespaceLabels }: Party) {
  if (labels === undefined || namespaceLabels !== undefined) return []
  return policies.filter(
    ({ podSelector, policyTypes }) => policyTypes.includes(direction) && matches(podSelector, labels),
  )
}

/** No ports: all. */
function isPort(ports: readonly PolicyPort[] | undefined, { name, number }: Party['ports'][number]): boolean {
  return ports === undefined || ports.some((one) => one.port === name || one.port === number)
}

/** No peers: everybody. */
function isPeer(peers: readonly Peer[] | undefined, party: Party): boolean {
  return peers === undefined || peers.some((peer) => isOne(peer, party))
}

function isOne(
  { podSelector, namespaceSelector, ipBlock }: Peer,
  { labels, namespaceLabels }: Party,
): boolean {
  if (ipBlock !== undefined) return labels === undefined
  if (labels === undefined) return false
  if (namespaceSelector === undefined)
    return namespaceLabels === undefined && matches(podSelector ?? {}, labels)
  return matches(namespaceSelector, namespaceLabels ?? {}) && matches(podSelector ?? {}, labels)
}
