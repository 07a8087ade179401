import { validateHeaderValue } from 'node:http'
import { isOnlySaid, type Headers } from '../hooks/handshake-headers.js'
import type { HttpHook } from './http-hook.js'

/**
 * What a request carries: the headers of its own, those that are the same for all, and of the connection's those that were chosen. One that
 * HTTP can't carry (a client may say anything) is left out.
 */
export function requestHeaders(
  {
    realHeaders,
    saidHeaders,
    staticHeaders,
  }: Pick<HttpHook, 'realHeaders' | 'saidHeaders' | 'staticHeaders'>,
  headers: Headers,
  body: string,
): Record<string, string> {
  const chosen: Record<string, string> = { ...staticHeaders }
  for (const name of realHeaders) if (!isOnlySaid(headers, name)) add(chosen, headers, name)
  for (const name of saidHeaders) if (isOnlySaid(headers, name)) add(chosen, headers, name)
  return {
    ...chosen,
    accept: 'application/json',
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  }
}

function add(chosen: Record<string, string>, headers: Headers, name: string): void {
  const value = headers[name]
  if (value !== undefined && isCarriable(name, value)) chosen[name] = value
}

function isCarriable(name: string, value: string): boolean {
  try {
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
