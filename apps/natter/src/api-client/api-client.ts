/**
 * The server API as its HTTP form is: POST <url>/<method>, one JSON object there and one back.
 *
 * AC1. A rejection says what to do next; of a change that may have been made it says that.
 * AC2. The key goes to the address that was named and to no other: redirects are not followed, and it stands in no sentence.
 */
import { DeniedError, InvalidError, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import type { z } from 'zod'

export interface ApiAccess {
  /** Where the methods are: ends with `/api`. */
  readonly url: string
  /** Absent: none is shown. */
  readonly key?: string
  readonly timeoutMs: number
}

/** A method of the API: what it answers, and whether it changes something. */
export interface Method<T> {
  readonly name: string
  readonly result: z.ZodType<T>
  readonly isChange: boolean
}

/** It was understood and not done; `number` is that of the wire. */
export class ApiRefusal extends InvalidError {
  constructor(
    readonly number: number,
    message: string,
  ) {
    super('api-refused', message)
  }
}

/**
 * @param body The text of a JSON object.
 * @throws DeniedError `api-key-refused`; InvalidError `no-api-there`, `api-request-refused`; ApiRefusal; UnavailableError
 * `api-unreachable`, `api-unavailable`; UnknownOutcomeError `api-no-answer`: of a change.
 */
export async function callApi<T>(
  access: ApiAccess,
  method: Method<T>,
  body: string,
  signal?: AbortSignal,
): Promise<T> {
  const { status, text } = await post(access, method, body, signal)
  if (status === 401) throw keyRefused(access)
  const answer = parse(text)
  if (answer?.error !== undefined) throw refusal(method, answer.error) // by whichever status: it may be told so
  if (status === 404 || status === 405 || (status >= 300 && status < 400))
    throw noApi(access, `it answers ${status}`)
  if (status >= 500) throw failedThere(access, method, status)
  if (status >= 400)
    throw new InvalidError(
      'api-request-refused',
      `The API takes no such request (${status}): ${text.slice(0, 200).trim()}`,
    )
  if (answer === undefined) throw noApi(access, 'it answers something else than JSON')
  const result = method.result.safeParse(answer.result)
  if (!result.success) throw noApi(access, 'its answer is not one of this API')
  return result.data
}

async function post<T>(
  { url, key, timeoutMs }: ApiAccess,
  { name, isChange }: Method<T>,
  body: string,
  signal: AbortSignal | undefined,
): Promise<{ status: number; text: string }> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), timeoutMs)
  try {
    const response = await fetch(`${url}/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-api-key': key }) },
      body,
      redirect: 'manual', // AC2
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    signal?.throwIfAborted()
    throw unreached(url, error, isChange, late.signal.aborted ? `within ${timeoutMs} ms` : undefined)
  } finally {
    clearTimeout(timer)
  }
}

/** What certainly never arrived is told apart from what may have (AC1). */
function unreached(url: string, error: unknown, isChange: boolean, late: string | undefined): Error {
  const code = causeOf(error)
  const never = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ]
  const where = shown(url)
  if (code === 'ECONNREFUSED')
    return new UnavailableError(
      'api-unreachable',
      `Nobody listens at ${where}: is a gateway running there, with http_api.key set? --api-url says where it is.`,
      { cause: error },
    )
  if (never.includes(code ?? ''))
    return new UnavailableError('api-unreachable', `${where} can't be reached: ${code}. See --api-url.`, {
      cause: error,
    })
  const why = late === undefined ? (code ?? 'it could not be asked') : `no answer ${late}`
  if (!isChange)
    return new UnavailableError('api-unreachable', `${where}: ${why}. Try again.`, { cause: error })
  return new UnknownOutcomeError('api-no-answer', `${where}: ${why}. ${mayBeDone}`, { cause: error })
}

function causeOf(error: unknown): string | undefined {
  const { cause } = error as { cause?: { code?: string; errors?: { code?: string }[] } }
  return cause?.code ?? cause?.errors?.[0]?.code
}

const keyRefused = ({ url, key }: ApiAccess): DeniedError =>
  new DeniedError(
    'api-key-refused',
    key === undefined
      ? `${shown(url)} wants a key, and none was given: NATTER_HTTP_API_KEY, its _FILE, or --api-key-file.`
      : `${shown(url)} does not take this key: it is not its http_api.key.`,
  )

const noApi = ({ url }: ApiAccess, why: string): InvalidError =>
  new InvalidError(
    'no-api-there',
    `There is no server API at ${shown(url)}: ${why}. It is on the port http_api.port of a gateway, not where clients connect.`,
  )

function failedThere<T>({ url }: ApiAccess, { isChange }: Method<T>, status: number): Error {
  if (isChange && status !== 503)
    return new UnknownOutcomeError('api-no-answer', `${shown(url)} answers ${status}. ${mayBeDone}`)
  return new UnavailableError('api-unavailable', `${shown(url)} answers ${status}. Try again.`)
}

interface ToldError {
  readonly code: number
  readonly message: string
  readonly temporary?: unknown
}

/** An error stands in the answer, or is all of it. */
function parse(text: string): { result?: unknown; error?: ToldError } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    if (isError(value)) return { error: value }
    const { result, error } = value as { result?: unknown; error?: unknown }
    if (error === undefined) return { result }
    return isError(error) ? { error } : undefined
  } catch {
    return undefined
  }
}

const isError = (value: unknown): value is ToldError =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { code?: unknown }).code === 'number' &&
  typeof (value as { message?: unknown }).message === 'string'

/** What the numbers mean where one asks by hand. */
const advice: Readonly<Record<number, string>> = {
  102: 'the settings have no such namespace (the part of the name before its first ":")',
  104: 'this gateway has no such method; is it an older one?',
  107: 'the request is not what the method takes',
  108: 'that is off in the channel’s namespace: it takes keep: stream for a history, presence: true for presence',
  112: 'the channel is numbered anew since that position, or never had it',
}

function refusal<T>({ name, isChange }: Method<T>, { code, message, temporary }: ToldError): Error {
  const said = `${name}: ${message} (${code})`
  if (code === 100 && isChange) return new UnknownOutcomeError('api-no-answer', `${said}. ${mayBeDone}`)
  if (code === 100 || code === 111 || temporary === true)
    return new UnavailableError('api-unavailable', `${said}. Try again.`)
  const hint = advice[code]
  return new ApiRefusal(code, `${said}${hint === undefined ? '' : `: ${hint}`}.`)
}

const mayBeDone = 'It may have been done all the same: repeat a publish with the same --idempotency-key.'

/** Without what an address may hide. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
