import { createNatsBroker, type NatsBrokerOptions } from '@natter/broker'
import { defineConfig, describeProblem, loadConfig, natsOptionsOf, natsSection } from '@natter/config'
import { forgetApp } from '@natter/hooks'
import { InvalidError } from '@natter/primitives'
import { readFileSync } from 'node:fs'

type Env = Readonly<Record<string, string | undefined>>

const definition = defineConfig({ app: 'natter', sections: [natsSection] })

/**
 * Takes an app that is gone for good out of the mesh: what it answered is not demanded any more. Answers what to say. The mesh is that of
 * `NATTER_NATS_…`, as its gateways have it; without an address the one that `natter start` runs here.
 *
 * @throws InvalidError `no-such-app`, `settings`.
 * @throws UnavailableError `nats-unreachable`, `no-mesh`.
 */
export async function forgetAppOfMesh(app: string, env: Env, localUrl: string): Promise<string> {
  const options = natsOptions({ NATTER_NATS_URL: localUrl, ...natsEnvOf(env) })
  const broker = await createNatsBroker({
    ...options,
    name: 'natter-apps-forget',
    isGuest: true,
    meshTimeoutMs: 0,
  })
  try {
    if (!(await forgetApp(broker.registry, app)))
      throw new InvalidError('no-such-app', `There is no app '${app}' in this mesh.`)
  } finally {
    await broker.close()
  }
  return `App '${app}' is forgotten: what it answered is decided by the namespaces now. It is back with the next start of it.`
}

/** Settings of other sections, and the place of a server's binary, are no business of this. */
function natsEnvOf(env: Env): Record<string, string> {
  const isOurs = ([name, value]: [string, string | undefined]): boolean =>
    name.startsWith('NATTER_NATS_') && name !== 'NATTER_NATS_SERVER' && value !== undefined && value !== ''
  return Object.fromEntries(Object.entries(env).filter(isOurs)) as Record<string, string>
}

function natsOptions(env: Record<string, string>): Omit<NatsBrokerOptions, 'name'> {
  const loaded = loadConfig(definition, { argv: [], env, readFile: (path) => readFileSync(path, 'utf8') })
  if (!loaded.ok)
    throw new InvalidError('settings', loaded.problems.map((problem) => describeProblem(problem)).join('\n'))
  return natsOptionsOf(loaded.config.nats, false)
}
