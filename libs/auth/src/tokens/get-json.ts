import { UnavailableError } from '@natter/primitives'
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'

export interface GetJsonOptions {
  /** For all of it, from the first byte sent to the last received. */
  timeoutMs: number
  maxBytes: number
  /** Ends it at once. */
  signal: AbortSignal
}

/**
 * What a URL answers to one GET, parsed. Redirects are not followed: who may say which keys are good is what was configured.
 *
 * @throws UnavailableError `not-fetched`: no answer in time, another status than 200, too much, or no JSON.
 */
export async function getJson(
  url: string,
  { timeoutMs, maxBytes, signal }: GetJsonOptions,
): Promise<unknown> {
  const ending = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    const answer = await request(url, ending)
    try {
      if (answer.statusCode !== 200) throw new Error(`it answered with status ${answer.statusCode}`)
      return JSON.parse(await readAll(answer, maxBytes)) as unknown
    } finally {
      answer.destroy()
    }
  } catch (error) {
    const why = ending.aborted && !signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    throw new UnavailableError('not-fetched', `${originOf(url)} can't be read: ${why}.`)
  }
}

/** A connection of its own, closed behind it: it is needed once an hour. */
function request(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const get = url.startsWith('https:') ? getHttps : getHttp
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  return new Promise((resolve, reject) => {
    get(url, { signal, headers, agent: false }, resolve).on('error', reject)
  })
}

async function readAll(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`it answered more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const reasonOf = (error: unknown): string => {
  if (error instanceof SyntaxError) return 'it answered no JSON' // whose message quotes what it is
  return error instanceof Error ? error.message : 'unknown'
}

/** Without the path and the user, who may be secret. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'the address'
}
