/** What an upgrade finds in the cluster and leaves as it is. */
import { expect, it } from '@jest/globals'
import { textsOf, type Manifest } from '../cluster/manifests.js'
import { upgradeOver } from './api-server.js'
import { describeWithHelm, render } from './renderings.js'

const secretsIn = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind }) => kind === 'Secret')

const jobsIn = (manifests: readonly Manifest[]): Record<string, string | undefined> =>
  Object.fromEntries(
    manifests
      .filter(({ kind }) => kind === 'Job')
      .map(({ metadata }) => [metadata.name, metadata.annotations?.['helm.sh/hook']]),
  )

const textsIn = (manifests: readonly Manifest[]) =>
  secretsIn(manifests).map((one) => [one.metadata.name, textsOf(one)])

describeWithHelm('an upgrade', () => {
  it('keeps each password and key that is there: the data knows the old ones, and a new key ends every session', async () => {
    const before = render()
    expect(secretsIn(before)).toHaveLength(3)
    expect(textsIn(await upgradeOver(before))).toEqual(textsIn(before))
  })

  it('that brings NATS makes its passwords, and keeps the others', async () => {
    const before = render().filter(({ metadata }) => metadata.name !== 'natter-nats')
    const after = await upgradeOver(before)
    expect(textsIn(after)).toEqual(expect.arrayContaining(textsIn(before)))
    expect(secretsIn(after)).toHaveLength(3)
  })

  it('provisions and migrates before its pods, and only after them what it brings first', async () => {
    const before = render()
    const [early, late] = ['post-install,pre-upgrade', 'post-upgrade']
    expect(jobsIn(await upgradeOver(before))).toEqual({ 'natter-provision': early, 'natter-migrate': early })
    const without = before.filter(({ metadata }) => metadata.name !== 'natter-nats')
    expect(jobsIn(await upgradeOver(without))).toEqual({ 'natter-provision': late, 'natter-migrate': early })
  })

  it('provisions and migrates after it has brought back servers whose Secrets were kept: passwords take no connections', async () => {
    expect(jobsIn(await upgradeOver(secretsIn(render())))).toEqual({
      'natter-provision': 'post-upgrade',
      'natter-migrate': 'post-upgrade',
    })
  })
})
