/**
 * As much of an API server as Helm's `lookup` asks: Secrets and StatefulSets of a release that is there, and nothing else. Other
 * renderings know no cluster, so to them every upgrade looks like the first install.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { parseManifests, type Manifest } from '../cluster/manifests.js'
import { chartFolder, helmFile, namespace } from './renderings.js'

const kinds = [
  { kind: 'Secret', group: 'v1', plural: 'secrets', path: '/api/v1' },
  { kind: 'StatefulSet', group: 'apps/v1', plural: 'statefulsets', path: '/apis/apps/v1' },
]

function serverOf(kept: readonly Manifest[]): Server {
  const answers = new Map<string, object>([
    ['/version', { major: '1', minor: '34', gitVersion: 'v1.34.0' }],
    ['/api', { kind: 'APIVersions', versions: ['v1'] }],
    ['/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups: [] }],
  ])
  for (const { kind, group, plural, path } of kinds) {
    const resource = {
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced: true,
      kind,
      verbs: ['get'],
    }
    answers.set(path, { kind: 'APIResourceList', groupVersion: group, resources: [resource] })
    for (const one of kept.filter((candidate) => candidate.kind === kind))
      answers.set(`${path}/namespaces/${namespace}/${plural}/${one.metadata.name}`, one)
  }
  const none = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }
  return createServer(({ url = '' }, response) => {
    const answer = answers.get(url.split('?')[0] ?? '')
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? none))
  })
}

/** What an upgrade brings to a cluster that has this. */
export async function upgradeOver(kept: readonly Manifest[]): Promise<Manifest[]> {
  const server = serverOf(kept).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const cluster = ['--dry-run=server', '--kube-apiserver', `http://127.0.0.1:${port}`]
  const args = ['template', 'natter', chartFolder, '--namespace', namespace, '--is-upgrade', ...cluster]
  try {
    // no cluster of whoever runs the tests
    const env = { PATH: process.env['PATH'], HOME: tmpdir(), KUBECONFIG: '/dev/null' }
    const { stdout } = await promisify(execFile)(helmFile(), args, { env, maxBuffer: 2 ** 26 })
    return parseManifests(stdout)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
