/**
 * Whether the archive is this mesh's. Two meshes with one prefix and one database would end each other's epochs.
 *
 * O1. Every process of the owner says that it is here, also while nothing is to be written: a mesh that is quiet isn't gone.
 * O2. This only tells. What keeps another mesh from writing is the archive itself (AR5).
 */
import type { Archive } from '@natter/archive'
import type { Broker } from '@natter/broker'
import type { TypedEvents } from '@natter/primitives'
import type { PersistenceEvents } from './persistence.events.js'

const hint =
  'Give one of the two meshes another nats.prefix or another database, or stop it. If NATS lost its disk or was replaced, wait'

export interface OwnershipParts {
  archive: Archive
  broker: Broker
  events: TypedEvents<PersistenceEvents>
  /** For how long another mesh must not have been seen before this one takes the archive over. */
  ownerTimeoutMs: number
}

export class Ownership {
  private foreign: { owner: string; mesh: string } | undefined

  constructor(private readonly parts: OwnershipParts) {}

  /** What is wrong, as a sentence. Undefined while the archive is this mesh's, or nobody could say. */
  get problem(): string | undefined {
    if (this.foreign === undefined) return undefined
    const { owner, mesh } = this.foreign
    return `The archive belongs to the mesh ${owner}, this is ${mesh}: nothing is archived. ${hint}.`
  }

  /** O1. What fails is told by those who write. */
  async look(): Promise<void> {
    const { archive, broker, events, ownerTimeoutMs } = this.parts
    const mesh = broker.meshId
    const claim = await archive.claim(mesh, ownerTimeoutMs).catch(() => undefined)
    if (claim === undefined) return
    const before = this.foreign
    this.foreign = claim.isOwner ? undefined : { owner: claim.owner, mesh }
    if (claim.isOwner) {
      if (before !== undefined) events.emit('archive:taken-over', { from: before.owner, mesh })
    } else if (before?.owner !== claim.owner || before.mesh !== mesh) {
      const waitMs = Math.max(0, ownerTimeoutMs - claim.unseenMs)
      events.emit('archive:foreign', {
        owner: claim.owner,
        mesh,
        waitSeconds: Math.ceil(waitMs / 1_000),
        hint,
      })
    }
  }
}
