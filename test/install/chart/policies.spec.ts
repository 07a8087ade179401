import { describe, expect, it } from '@jest/globals'
import { isAllowed, type Party } from './policies.js'
import type { NetworkPolicySpec } from './workloads.js'

const http = { name: 'http', number: 80 }
const pod = (name: string): Party => ({ name, labels: { app: name }, ports: [http] })
const [a, b] = [pod('a'), pod('b')]
const denyAll: NetworkPolicySpec = {
  podSelector: {},
  policyTypes: ['Ingress', 'Egress'],
  ingress: [],
  egress: [],
}
const chosen = (name: string) => ({ matchLabels: { app: name } })
const out: NetworkPolicySpec = {
  podSelector: chosen('a'),
  policyTypes: ['Egress'],
  egress: [{ ports: [{ port: 'http' }], to: [{ podSelector: chosen('b') }] }],
}
const into: NetworkPolicySpec = {
  podSelector: chosen('b'),
  policyTypes: ['Ingress'],
  ingress: [{ ports: [{ port: 80 }], from: [{ podSelector: chosen('a') }] }],
}

describe('network policies', () => {
  it('allow everything where none chooses a pod', () => {
    expect(isAllowed([], a, b, http)).toBe(true)
    expect(isAllowed([{ ...denyAll, podSelector: chosen('c') }], a, b, http)).toBe(true)
  })

  it('allow a connection only if it may leave and enter', () => {
    expect(isAllowed([denyAll], a, b, http)).toBe(false)
    expect(isAllowed([denyAll, out], a, b, http)).toBe(false)
    expect(isAllowed([denyAll, into], a, b, http)).toBe(false)
    expect(isAllowed([denyAll, out, into], a, b, http)).toBe(true)
    expect(isAllowed([denyAll, out, into], b, a, http)).toBe(false)
    expect(isAllowed([denyAll, out, into], a, b, { name: 'ops', number: 9000 })).toBe(false)
  })

  it('mean pods of their own namespace, unless a namespace is named', () => {
    const elsewhere: Party = { ...a, namespaceLabels: { name: 'other' } }
    expect(isAllowed([denyAll, into], elsewhere, b, http)).toBe(false)
    const fromOther: NetworkPolicySpec = {
      ...into,
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { name: 'other' } } }] }],
    }
    expect(isAllowed([denyAll, fromOther], elsewhere, b, http)).toBe(true)
    expect(isAllowed([denyAll, out, fromOther], a, b, http)).toBe(false)
  })

  it('let everybody in where no peer is named', () => {
    const outside: Party = { name: 'outside', ports: [] }
    expect(
      isAllowed([denyAll, { ...into, ingress: [{ ports: [{ port: 'http' }] }] }], outside, b, http),
    ).toBe(true)
  })
})
