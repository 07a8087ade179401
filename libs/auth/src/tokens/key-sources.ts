/**
 * The servers of keys that verifiers ask, each once, however many verifiers ask it: who takes over from another one has the keys that are
 * there already, also while their server is away.
 */
import { RemoteKeys, type RemoteKeysOptions } from './remote-keys.js'

interface Source {
  readonly keys: RemoteKeys
  users: number
}

export class KeySources {
  private readonly sources = new Map<string, Source>()

  /** `isNew`: nobody else asks it. To be given back. */
  take(options: RemoteKeysOptions): { keys: RemoteKeys; isNew: boolean } {
    const id = idOf(options)
    const present = this.sources.get(id)
    if (present !== undefined) {
      present.users += 1
      return { keys: present.keys, isNew: false }
    }
    const keys = new RemoteKeys(options)
    this.sources.set(id, { keys, users: 1 })
    return { keys, isNew: true }
  }

  /** The last one who gives it back ends what is under way. */
  giveBack(options: RemoteKeysOptions): void {
    const source = this.sources.get(idOf(options))
    if (source === undefined) return
    source.users -= 1
    if (source.users > 0) return
    this.sources.delete(idOf(options))
    source.keys.close()
  }
}

const idOf = ({ endpoint, cacheMs, minIntervalMs, timeoutMs }: RemoteKeysOptions): string =>
  JSON.stringify([endpoint, cacheMs, minIntervalMs, timeoutMs])
