/**
 * Stands in for a gateway, persistence or the messenger: listens on its ports, says that it is ready, ends as the real ones do. What it
 * should do wrong comes by NATTER_STAND_IN: `deaf` never says ready, `broken` dies first, `stubborn` ignores SIGTERM.
 */
import { createServer } from 'node:http'

const mischief = (process.env.NATTER_STAND_IN ?? '').split(',')
const port = process.env.NATTER_GATEWAY_PORT ?? process.env.NATTER_MESSENGER_PORT

if (mischief.includes('broken')) {
  process.stderr.write('nats-unreachable: nothing answers at the address that was given\n')
  process.exit(1)
}
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => {
  if (!mischief.includes('stubborn')) process.exit(0)
})

process.on('SIGHUP', () => process.stdout.write('asked to read the configuration\n'))

const listen = (at) =>
  new Promise((resolve) =>
    createServer((_, response) => response.end('ok')).listen(Number(at), '127.0.0.1', resolve),
  )
if (port !== undefined) await listen(port)
await listen(process.env.NATTER_OPS_PORT)
if (!mischief.includes('deaf')) process.send?.({ type: 'ready', details: {} })
