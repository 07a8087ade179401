/**
 * A rolling update of the chart on loopback, with clients; what was found is the exit code.
 *
 *   npm run test:cluster [-- --clients 2000] [--gateways 3] [--rate 25] [--brief | --long] [--keep]
 *
 * 0 = every promise held, 1 = one was broken, 2 = the run itself failed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { obtainHelm } from '../../../tools/helm.mjs'
import { run } from './run.js'

const repo = join(import.meta.dirname, '../../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '300' },
    gateways: { type: 'string', default: '3' },
    /** Publications a second, of all clients. */
    rate: { type: 'string', default: '25' },
    /** The folder whose programs run. */
    source: { type: 'string', default: repo },
    /** Only the rollout. */
    brief: { type: 'boolean', default: false },
    /** NATS is replaced, too. */
    long: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const folder = join(repo, '.natter/cluster', new Date().toISOString().replaceAll(/[:.]/g, '-'))
const helm = await obtainHelm(say)
process.setMaxListeners(100) // one for each process that has to end with this one
// an ordinary exit, so that what was started ends too
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  if (helm === null) throw new Error('there is no Helm: docs/testing.md says where it comes from')
  const { source, keep } = values
  const length = values.brief ? 'brief' : values.long ? 'long' : 'usual'
  const [clients, gateways, publicationsPerSecond] = [values.clients, values.gateways, values.rate].map(
    Number,
  ) as [number, number, number]
  const result = await run({
    helm,
    clients,
    gateways,
    publicationsPerSecond,
    length,
    source,
    folder,
    keep,
    say,
  })
  const { acknowledged, repeats, deliveries, recoveries } = result.counts
  say(
    `${result.stored} stored, ${acknowledged} acknowledged, ${repeats} repeats, ${deliveries} deliveries, ${recoveries} recoveries, ` +
      `${result.goodbyes} subscriptions told to go elsewhere`,
  )
  for (const { rule, text } of result.findings.slice(0, 20)) say(`  ${rule}: ${text}`)
  say(
    result.findings.length === 0
      ? 'every promise held'
      : `${result.findings.length} findings; the history: ${folder}`,
  )
  process.exitCode = result.findings.length === 0 ? 0 : 1
} catch (error) {
  say(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  say(`what there is of it: ${folder}`)
  process.exitCode = 2
}
