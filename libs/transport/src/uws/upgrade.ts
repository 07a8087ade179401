/**
 * The HTTP side of a listening port: what an upgrade request says, and the answers to whoever isn't upgraded.
 *
 * An `HttpRequest` lives on uWebSockets.js's stack: everything is read before the first decision, nothing is kept.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { UpgradeDecision, UpgradeRequest } from '../transport.js'

const decoder = new TextDecoder()

export function readUpgradeRequest(res: HttpResponse, req: HttpRequest): UpgradeRequest {
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
    subprotocols: splitList(headers['sec-websocket-protocol']),
  }
}

export function refuse(res: HttpResponse, decision: Extract<UpgradeDecision, { accept: false }>): void {
  res.writeStatus(statusLine(decision.status))
  for (const [name, value] of Object.entries(decision.headers ?? {})) res.writeHeader(name, value)
  res.end(decision.body, true)
}

/** Answers a request that doesn't ask for a WebSocket. */
export function answerPlainHttp(res: HttpResponse, req: HttpRequest, socketPath: string): void {
  const isSocketPath = req.getUrl() === socketPath
  res
    .writeStatus(statusLine(isSocketPath ? 400 : 404))
    .writeHeader('content-type', 'text/plain; charset=utf-8')
  res.end(
    isSocketPath
      ? 'This address speaks WebSocket: connect with a Centrifugo SDK, not with a plain HTTP request.\n'
      : 'Nothing here.\n',
  )
}

const splitList = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

const statusLine = (status: number): string => `${status} ${reasonPhrases[status] ?? 'Refused'}`
