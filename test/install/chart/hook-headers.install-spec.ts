import { expect, it } from '@jest/globals'
import { describeWithHelm, find, refusalOf, render } from './renderings.js'

const proxy = (http: object) => ({
  client: { proxy: { connect: { enabled: true, endpoint: 'http://backend/natter/connect', http } } },
})

describeWithHelm('headers of hooks over HTTP', () => {
  it('come from a Secret, as files of the gateways alone', () => {
    const http = { static_header_files: { authorization: '/etc/natter-hooks/authorization' } }
    const manifests = render({ values: { gateway: { hookHeadersSecret: 'hooks' }, config: proxy(http) } })
    const mounts = (name: string): string => JSON.stringify(find(manifests, 'Deployment', name))
    expect(mounts('natter-gateway')).toContain('"secretName":"hooks"')
    expect(mounts('natter-gateway')).toContain('"mountPath":"/etc/natter-hooks"')
    expect(mounts('natter-persistence')).not.toContain('natter-hooks')
  })

  it('can’t stand in the values, where they would become a ConfigMap', () => {
    expect(refusalOf({ config: proxy({ static_headers: { authorization: 'planted' } }) })).toContain(
      'static_headers',
    )
  })
})
