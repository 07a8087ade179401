/**
 * Who may not come in any more: read from the mesh, asked wherever somebody is believed, and carried out on who is in. [19.1]
 *
 * RN1. Nobody is let in before the records have been read once.
 * RN2. From the turn in which a lost way to the mesh is back, until all records have been read again and carried out, no command of a client
 *      is begun. They wait; after `patienceMs` they are answered with a temporary error instead [3.12].
 * RN3. While the mesh is away what is known goes on to hold, and nobody waits: there is nothing new to be known.
 * RN4. Who is on the way in is asked about again in the turn in which it comes in. So whoever is in was asked about after the last record
 *      that came before that, and later ones find it.
 * RN5. What comes in one turn is carried out together; connections are walked at most once in `walkEveryMs`, however many tokens are revoked.
 */
import type { Records, RecordsListener, StoredRecord } from '@natter/broker'
import { InvalidError, UnavailableError, type Clock, type Timer, type TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import { decodeRevocation, nameOf } from './revocation.js'
import { RevokedSet, type Subject, type Verdict } from './revoked-set.js'

export interface RevocationsParts {
  records: Pick<Records, 'follow'>
  clock: Clock
  events: TypedEvents<GatewayEvents>
  /** Commands wait, or go on. */
  intake: { pause(): void; resume(): void }
  /** Looks at the connections of these users again. */
  enforceOn(users: ReadonlySet<string>): void
  /** Looks at all connections again. */
  enforceOnAll(): void
}

/** Shorter than commands may wait, so that one which came at the beginning is still answered in time. */
const patienceMs = 3_400
const startWithinMs = 30_000
const walkEveryMs = 100
const clearEveryMs = 60_000

type State =
  | { is: 'unread'; started: { resolve(): void; reject(error: unknown): void } | undefined }
  | { is: 'current' }
  /** RN3 */
  | { is: 'away' }
  /** RN2 */
  | { is: 'reading'; sinceMs: number; patience: Timer; isRefusing: boolean; waiting: (() => void)[] }

export class Revocations implements RecordsListener {
  readonly held = new RevokedSet()
  private state: State = { is: 'unread', started: undefined }
  private following: { stop(): void } | undefined
  private lastTrouble: unknown
  private beganAtMs = 0
  private readonly users = new Set<string>()
  private hasTokens = false
  private isTurnPlanned = false
  private walkedAtMs = 0
  private walking: Timer | undefined
  private clearing: Timer | undefined

  constructor(private readonly parts: RevocationsParts) {}

  /**
   * RN1. Resolves when all records have been read.
   *
   * @throws InvalidError what makes it impossible; UnavailableError `revocations-unread` when it took too long.
   */
  async start(): Promise<void> {
    const { clock, records } = this.parts
    const late = clock.setTimer(() => this.failStart(unread(this.lastTrouble)), startWithinMs)
    try {
      await new Promise<void>((resolve, reject) => {
        this.state = { is: 'unread', started: { resolve, reject } }
        this.following = records.follow(this)
      })
    } catch (error) {
      this.stop()
      throw error
    } finally {
      late.cancel()
    }
    this.planClearing()
  }

  stop(): void {
    this.following?.stop()
    this.walking?.cancel()
    this.clearing?.cancel()
    this.goOn({ is: 'away' })
  }

  /** 1 = what the mesh knows is known here. */
  get isComplete(): boolean {
    return this.state.is === 'current'
  }

  /** RN2: commands are answered that it can't be said now. */
  get isRefusing(): boolean {
    return this.state.is === 'reading' && this.state.isRefusing
  }

  /** Resolves when nobody has to wait any more; undefined = nobody has to. */
  untilRead(): Promise<void> | undefined {
    const { state } = this
    if (state.is !== 'reading') return undefined
    return new Promise((resolve) => state.waiting.push(resolve))
  }

  /** For what began before the way was lost and goes on after. @throws UnavailableError while they are being read. */
  demandRead(): void {
    if (this.state.is === 'reading') throw unread(undefined)
  }

  verdict(subject: Subject): Verdict {
    return this.held.verdict(subject, this.parts.clock.now())
  }

  // what the mesh tells

  begin(): void {
    this.held.beginRound()
    this.beganAtMs = this.parts.clock.now()
    if (this.state.is === 'unread' || this.state.is === 'reading') return
    const { clock, intake } = this.parts
    const patience = clock.setTimer(() => this.refuse(), patienceMs)
    this.state = { is: 'reading', sinceMs: clock.now(), patience, isRefusing: false, waiting: [] }
    intake.pause()
  }

  record({ key, value }: StoredRecord): void {
    const revocation = decodeRevocation(value)
    if (revocation === undefined) {
      const error = new InvalidError('bad-revocation', `${key} is no revocation that this version knows`)
      return this.parts.events.emit('revocations:trouble', { error })
    }
    this.held.put(revocation)
    if (this.state.is !== 'current') return // all are looked at when the last one has come
    if (revocation.kind === 'token') this.hasTokens = true
    else this.users.add(nameOf(revocation))
    this.planTurn()
  }

  caughtUp(): void {
    const { clock, events, enforceOnAll } = this.parts
    this.held.endRound()
    this.held.dropExpired(clock.now())
    enforceOnAll()
    const waitedMs = this.state.is === 'reading' ? clock.now() - this.state.sinceMs : 0
    const records = this.held.size
    events.emit('revocations:read', { records, tookMs: clock.now() - this.beganAtMs, waitedMs })
    this.goOn({ is: 'current' })
  }

  away(): void {
    if (this.state.is !== 'unread') this.goOn({ is: 'away' }) // RN3
  }

  trouble(error: unknown): void {
    this.lastTrouble = error
    this.parts.events.emit('revocations:trouble', { error })
    if (error instanceof InvalidError) this.failStart(error)
  }

  private failStart(error: unknown): void {
    if (this.state.is === 'unread') this.state.started?.reject(error)
  }

  private goOn(next: State): void {
    const { state } = this
    this.state = next
    if (state.is === 'unread') state.started?.resolve()
    if (state.is !== 'reading') return
    state.patience.cancel()
    for (const resolve of state.waiting) resolve()
    this.parts.intake.resume()
  }

  /** RN2 */
  private refuse(): void {
    if (this.state.is !== 'reading') return
    this.state.isRefusing = true
    this.parts.intake.resume()
  }

  /** RN5 */
  private planTurn(): void {
    if (this.isTurnPlanned) return
    this.isTurnPlanned = true
    setImmediate(() => {
      this.isTurnPlanned = false
      if (this.users.size > 0) this.parts.enforceOn(this.users)
      this.users.clear()
      if (this.hasTokens) this.planWalk()
    })
  }

  private planWalk(): void {
    const { clock } = this.parts
    if (this.walking !== undefined) return
    const sinceMs = clock.now() - this.walkedAtMs
    if (sinceMs < 0 || sinceMs >= walkEveryMs) return this.walk() // before the last one: the clock was set back
    this.walking = clock.setTimer(() => this.walk(), walkEveryMs - sinceMs)
  }

  private walk(): void {
    this.walking = undefined
    this.hasTokens = false
    this.walkedAtMs = this.parts.clock.now()
    this.parts.enforceOnAll()
  }

  private planClearing(): void {
    const { clock } = this.parts
    this.clearing = clock.setTimer(() => {
      this.held.dropExpired(clock.now())
      this.planClearing()
    }, clearEveryMs)
  }
}

const unread = (cause: unknown): UnavailableError =>
  new UnavailableError(
    'revocations-unread',
    'The revocations can’t be read from NATS now, so nobody is let in. See that JetStream has a leader and room',
    { cause },
  )
