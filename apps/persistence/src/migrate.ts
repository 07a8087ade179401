/**
 * Brings the archive's tables to what this build needs, and ends. The persistence app does the same at its start: this is for who wants it
 * done, and its failure seen, before. Again, or beside a running one, it changes nothing.
 *
 * Ends with 0; 78 = the settings are wrong; 1 = anything else, with one line that says what: Postgres was away for
 * `postgres.connect_timeout`, or a newer build has been here.
 */
import { createPostgresArchive, type Archive, type ArchiveEvents } from '@natter/archive'
import { loadConfigOrExit, secretsOf } from '@natter/config'
import { logEvents, runOnce, type Logger } from '@natter/observability'
import { Backoff, systemClock, TypedEvents, UnavailableError, type Clock } from '@natter/primitives'
import { migrateConfig } from './config/migrate.config.js'

const config = loadConfigOrExit(migrateConfig)
const { nats, postgres, log } = config

const secrets = secretsOf(migrateConfig, config)

await runOnce({ name: 'migrate', log, secrets }, async (logger) => {
  const events = new TypedEvents<ArchiveEvents>((error) => logger.error('listener:error', { error }))
  logEvents(events, logger, { 'archive:migration:apply': 'info' })
  const archive = createPostgresArchive({
    url: postgres.url ?? '', // migrateConfig demands it
    schema: nats.prefix,
    events,
    connectTimeoutMs: postgres.connect_timeout,
    applicationName: 'natter migrate',
  })
  try {
    await migrateWithin(postgres.connect_timeout, archive, logger, systemClock)
  } finally {
    await archive.close()
  }
})

/** A Postgres that is just starting isn't an error. @throws UnavailableError when it is away for so long; InvalidError. */
async function migrateWithin(
  waitMs: number,
  archive: Pick<Archive, 'migrate'>,
  logger: Logger,
  clock: Clock,
): Promise<void> {
  const endMs = clock.now() + waitMs
  const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 })
  for (;;) {
    try {
      return await archive.migrate()
    } catch (error) {
      const retryMs = backoff.next()
      if (!(error instanceof UnavailableError) || clock.now() + retryMs >= endMs) throw error
      logger.warn('archive:migrate:failed', { error, retryMs })
      await new Promise<void>((resolve) => clock.setTimer(resolve, retryMs))
    }
  }
}
