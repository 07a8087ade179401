import type { Archive } from '@natter/archive'
import type { Namespace } from '@natter/auth'
import type { Clock, TypedEvents } from '@natter/primitives'
import type { PersistenceEvents } from './persistence.events.js'

/** Drops whole days of namespaces with `archive_for`. What fails is told, and stays for the next round. */
export async function forgetOld(
  archive: Archive,
  namespaces: Iterable<Namespace>,
  clock: Clock,
  events: TypedEvents<PersistenceEvents>,
): Promise<void> {
  for (const { name: namespace, archiveForMs } of namespaces) {
    if (archiveForMs === undefined) continue
    try {
      const days = await archive.forget(namespace, clock.now() - archiveForMs)
      if (days > 0) events.emit('archive:forget', { namespace, days })
    } catch (error) {
      events.emit('archive:forget:failed', { namespace, error })
    }
  }
}
