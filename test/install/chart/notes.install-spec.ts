/** What Helm prints after an install: rendered as a ConfigMap of a copy of the chart, because `helm template` leaves it out. */
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chartFolder, describeWithHelm, find, render, type Wish } from './renderings.js'

const example = { enabled: true, host: 'natter.example.com' }

describeWithHelm('after an install Helm says', () => {
  let copy = ''

  beforeAll(async () => {
    copy = join(await mkdtemp(join(tmpdir(), 'natter-chart-')), 'natter')
    await cp(chartFolder, copy, { recursive: true })
    const notes = '{{ include (print $.Template.BasePath "/NOTES.txt") . | nindent 4 }}'
    await writeFile(
      join(copy, 'templates/said.yaml'),
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: said\ndata:\n  notes: |\n    ${notes}\n`,
    )
  })

  afterAll(async () => {
    await rm(join(copy, '..'), { recursive: true, force: true })
  })

  const said = (wish: Wish = {}): string =>
    find(render({ ...wish, chart: copy }), 'ConfigMap', 'said').data?.['notes'] ?? ''

  it('how to reach it, where the key is, and what is missing', () => {
    const notes = said({ valuesFiles: ['values-test.yaml'] })
    expect(notes).toContain('kubectl --namespace mesh port-forward service/natter-gateway 8000:80')
    expect(notes).toContain("get secret natter-tokens --output jsonpath='{.data.hmac-secret-key}'")
    for (const missing of [
      'no channel exists yet',
      'nobody outside the cluster reaches it',
      'no page may connect',
      'nobody watches it',
      'one NATS server holds the only copy',
      'one Postgres without backups',
    ])
      expect(notes).toContain(missing)
    expect(notes).not.toContain('nothing is archived')
  })

  it('the address of clients where there is an ingress', () => {
    expect(said({ values: { ingress: example } })).toContain('ws://natter.example.com/connection/websocket')
    expect(said({ values: { ingress: { ...example, tlsSecretName: 'x' } } })).toContain(
      'wss://natter.example.com/connection/websocket',
    )
  })

  it('where the messenger is, behind the ingress or a port-forward', () => {
    const messenger = { enabled: true, gateways: ['ws://127.0.0.1:8000/connection/websocket'] }
    expect(said({ values: { messenger } })).toContain('port-forward service/natter-messenger 8080:80')
    expect(said({ values: { messenger, ingress: example } })).toContain(
      'messenger: http://natter.example.com\n',
    )
    expect(said()).not.toContain('messenger')
  })

  it('nothing is missing that is there: a port of the nodes, channels without a namespace', () => {
    const notes = said({
      values: {
        gateway: { service: { type: 'NodePort' } },
        config: { channel: { without_namespace: { presence: true } } },
        persistence: { enabled: false },
      },
    })
    expect(notes).not.toMatch(/nobody outside|no channel exists|one Postgres/)
  })

  it('that nothing is archived where there is no Postgres', () => {
    const values = { postgres: { enabled: false }, persistence: { enabled: false } }
    expect(said({ values })).toContain('nothing is archived')
  })

  it('of production nothing that is missing, but the channels that are yours', () => {
    const lines = said({ valuesFiles: ['values-production.yaml'] }).split('\n')
    expect(lines.filter((line) => /missing|only:/.test(line))).toEqual([
      'Still missing: no channel exists yet. Set config.channel.namespaces; everything in a namespace is off until it is set.',
    ])
  })
})
