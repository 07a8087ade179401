import { describe, expect, it } from '@jest/globals'
import { hookedAt, isHook } from './hooks.js'
import { parseManifests } from './manifests.js'

const manifests = parseManifests(`
kind: Job
metadata: { name: b, annotations: { helm.sh/hook: 'post-install, pre-upgrade', helm.sh/hook-weight: '5' } }
---
kind: Job
metadata: { name: a, annotations: { helm.sh/hook: post-install, helm.sh/hook-weight: '5' } }
---
# nothing
---
kind: ConfigMap
metadata: { name: first, annotations: { helm.sh/hook: post-install, helm.sh/hook-weight: '-1' } }
---
kind: Deployment
metadata: { name: d }
`)

describe('Helm’s hooks', () => {
  it('come by weight, then by name, at each event they name', () => {
    const names = (event: 'post-install' | 'pre-upgrade') =>
      hookedAt(event, manifests).map(({ metadata }) => metadata.name)
    expect(names('post-install')).toEqual(['first', 'a', 'b'])
    expect(names('pre-upgrade')).toEqual(['b'])
    expect(manifests.filter((manifest) => !isHook(manifest)).map(({ kind }) => kind)).toEqual(['Deployment'])
  })
})
