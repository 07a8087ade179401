/**
 * What can go wrong, by what to do next. `code` is a word that never changes its meaning; what the wire says is in `number`.
 *
 * - {@link RefusedError}: the server said no. `isTemporary`: say it again later.
 * - UnavailableError: certainly not done, since it didn't leave: `not-connected`, `client-closed`, `queue-full`.
 * - UnknownOutcomeError: it left, and no answer came: `no-answer`. Repeat only what is idempotent.
 * - InvalidError: a mistake in the call.
 */
import { NatterError, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import type { Errors } from '@natter/protocol'

/** The server refused. */
export class RefusedError extends NatterError {
  override readonly name = 'RefusedError'

  constructor(
    /** As the wire has it: 100–399 the mesh's (docs/protocol.md), 400–1999 the app's, 2000 and more the end of a subscription or connection. */
    readonly number: number,
    message: string,
    /** The same may be allowed later. */
    readonly isTemporary: boolean,
    options?: { cause?: unknown },
  ) {
    super(wordFor(number), message, options)
  }
}

/** Written out, since pages would load the codecs with the table; a test compares the two. */
export const words: Readonly<Record<(typeof Errors)[keyof typeof Errors]['code'], string>> = {
  100: 'internal',
  101: 'unauthorized',
  102: 'unknown-channel',
  103: 'permission-denied',
  104: 'method-not-found',
  105: 'already-subscribed',
  106: 'limit-exceeded',
  107: 'bad-request',
  108: 'not-available',
  109: 'token-expired',
  110: 'expired',
  111: 'too-many-requests',
  112: 'unrecoverable-position',
  113: 'concurrent-pagination',
}

/** `permission-denied` for 103 and so on; `app` for what an app says, `ended` for the end of a subscription or connection. */
function wordFor(number: number): string {
  if (number >= 2_000) return 'ended'
  return words[number] ?? (number >= 400 ? 'app' : 'refused')
}

/** What the SDK rejects with. Codes below 100 are its own: the server said nothing. */
interface SdkError {
  code: number
  message?: string
  temporary?: boolean
}

const isSdkError = (error: unknown): error is SdkError =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'

/** Codes of the SDK for what never left: it was disconnected, or an address or setting is bad. */
const notSent: ReadonlySet<number> = new Set([3, 4, 7, 12])

/** Anything that the SDK rejects with, as one of ours. Ours stay as they are. */
export function clientError(error: unknown): Error {
  if (!isSdkError(error)) return error instanceof Error ? error : new Error(String(error))
  const { code, message = '', temporary } = error
  if (code >= 100) return new RefusedError(code, message, temporary === true, { cause: error })
  if (notSent.has(code)) return notConnected(error)
  return new UnknownOutcomeError('no-answer', 'No answer came: it may have been done, or not.', {
    cause: error,
  })
}

export const notConnected = (cause?: unknown): UnavailableError =>
  new UnavailableError('not-connected', 'There is no connection: try again when there is one.', { cause })

export const clientClosed = (): UnavailableError =>
  new UnavailableError('client-closed', 'The client is closed: make another one.')
