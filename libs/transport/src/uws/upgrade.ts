/**
 * The HTTP side of a listening port: what an upgrade request says, and the answers to whoever isn't upgraded.
 *
 * An `HttpRequest` lives on uWebSockets.js's stack: everything is read before the first decision, nothing is kept.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { RequestHead, UpgradeDecision, UpgradeRequest } from '../transport.js'

const decoder = new TextDecoder()

export function readHead(res: HttpResponse, req: HttpRequest): RequestHead {
  const headers: Record<string, string> = {}
  // oxlint-disable-next-line unicorn/no-array-for-each -- not an array: the only way to list the headers
  req.forEach((name, value) => {
    headers[name] = value
  })
  return {
    path: req.getUrl(),
    query: req.getQuery() ?? '',
    headers,
    remoteAddress: decoder.decode(res.getRemoteAddressAsText()),
  }
}

export function readUpgradeRequest(res: HttpResponse, req: HttpRequest): UpgradeRequest {
  const head = readHead(res, req)
  return { ...head, subprotocols: splitList(head.headers['sec-websocket-protocol']) }
}

export function refuse(res: HttpResponse, decision: Extract<UpgradeDecision, { accept: false }>): void {
  res.writeStatus(statusLine(decision.status))
  for (const [name, value] of Object.entries(decision.headers ?? {})) res.writeHeader(name, value)
  res.end(decision.body, true)
}

const splitList = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const reasonPhrases: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export const statusLine = (status: number): string => `${status} ${reasonPhrases[status] ?? 'Refused'}`
