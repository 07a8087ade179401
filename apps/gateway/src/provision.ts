/**
 * Creates what the mesh needs in NATS (streams, records) and brings its limits in line with the settings, says what is there, and ends. A
 * gateway does the same at its start: this is for who wants it done, and its failure seen, before any gateway runs. Again, it changes nothing.
 *
 * Ends with 0; 78 = the settings are wrong; 1 = anything else, with one line that says what: NATS was away for `nats.connect_timeout`, or refused.
 */
import { createNatsBroker, type BrokerEvents } from '@natter/broker'
import { loadConfigOrExit, natsOptionsOf, secretsOf } from '@natter/config'
import { logBroker, runOnce } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { provisionConfig } from './config/provision.config.js'

const config = loadConfigOrExit(provisionConfig)
const { nats, postgres, log } = config

const secrets = secretsOf(provisionConfig, config)

await runOnce({ name: 'provision', log, secrets }, async (logger) => {
  const events = new TypedEvents<BrokerEvents>((error) => logger.error('listener:error', { error }))
  logBroker(events, logger)
  const options = natsOptionsOf(nats, postgres.url !== undefined)
  const broker = await createNatsBroker({ ...options, name: 'provision', events })
  try {
    await broker.registry.get('apps') // the first use makes the bucket: apps wait for it
    await broker.revocations.get('any') // so does this
    for (const stream of broker.streams) {
      const { created, messages, bytes, maxBytes, onFull } = await broker.log.state(stream)
      const epoch = broker.epochOf(stream)
      logger.info('provision:stream', { stream, epoch, created, messages, bytes, maxBytes, onFull })
    }
    logger.info('provision:mesh', { id: broker.meshId, prefix: nats.prefix, streams: broker.streams.length })
  } finally {
    await broker.close()
  }
})
