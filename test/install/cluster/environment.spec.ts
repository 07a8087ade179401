import { describe, expect, it } from '@jest/globals'
import { environmentOf, serviceLinks } from './environment.js'
import type { Service } from './manifests.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const world = {
  configMaps: new Map([['c', { kind: 'ConfigMap', metadata: { name: 'c' }, data: { A: '1', B: '2' } }]]),
  secrets: new Map([
    [
      's',
      {
        kind: 'Secret',
        metadata: { name: 's' },
        data: { key: base64('hidden') },
        stringData: { plain: 'x' },
      },
    ],
  ]),
  fields: { 'metadata.name': 'pod-1', 'status.podIP': '127.9.9.1' },
}
const container = { name: 'c', image: 'i' }

describe('the environment of a container', () => {
  it('has whole config maps first, then each variable, which wins', () => {
    const envFrom = [{ configMapRef: { name: 'c' } }, { prefix: 'S_', secretRef: { name: 's' } }]
    expect(environmentOf({ ...container, envFrom, env: [{ name: 'B', value: 'mine' }] }, world)).toEqual({
      A: '1',
      B: 'mine',
      S_key: 'hidden',
      S_plain: 'x',
    })
  })

  it('takes a value from a config map, a secret or a field of the pod', () => {
    const env = [
      { name: 'C', valueFrom: { configMapKeyRef: { name: 'c', key: 'A' } } },
      { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ]
    expect(environmentOf({ ...container, env }, world)).toEqual({ C: '1', S: 'hidden', POD: 'pod-1' })
  })

  it('puts in what stands before it by $(NAME), and nothing else', () => {
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)-$(C)-$$(A)-$A' },
      { name: 'C', value: 'c' },
    ]
    expect(environmentOf({ ...container, env }, world).B).toBe('a-$(C)-$(A)-$A')
  })

  it('is refused where something is missing that isn’t optional, because such a container is never started', () => {
    const of = (optional: boolean) => ({
      ...container,
      env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'none', optional } } }],
    })
    expect(() => environmentOf(of(false), world)).toThrow(/s has no none/)
    expect(environmentOf(of(true), world)).toEqual({})
    expect(() => environmentOf({ ...container, envFrom: [{ secretRef: { name: 'x' } }] }, world)).toThrow(
      /no x/,
    )
  })

  it('has links to services as Kubernetes adds them, which look like settings of ours', () => {
    const service: Service = {
      kind: 'Service',
      metadata: { name: 'natter-gateway' },
      spec: { ports: [{ port: 80 }] },
    }
    expect(serviceLinks(new Map([['natter-gateway', '127.9.9.2']]), [service])).toMatchObject({
      NATTER_GATEWAY_PORT: 'tcp://127.9.9.2:80',
    })
  })
})
