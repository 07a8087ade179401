/**
 * What a hook over HTTP is asked: one JSON object, in the words of Centrifugo.
 *
 * B1. JSON of a client and of who described it goes as it was written; nobody parses it on the way.
 * B2. Bytes that are no JSON go as base64: the object is JSON whatever clients send.
 */
import { isJson, type Bytes } from '@natter/protocol'
import type { AskedRequest, Asker } from '../hooks/hooks.js'
import type { HttpHook, HttpHookKind } from './http-hook.js'

export type HttpRequest = Extract<AskedRequest, { kind: HttpHookKind }>

export function requestBody(
  request: HttpRequest,
  { wire }: Asker,
  { isBinary, includesMeta }: Pick<HttpHook, 'isBinary' | 'includesMeta'>,
): string {
  const { caller } = request
  const data = 'data' in request ? dataOf(request.data, isBinary) : undefined
  const isBase64 = isBinary || data?.key === 'b64data'
  const fields: [key: string, json: string][] = [
    ['client', text(caller.client)],
    ['transport', text(wire.transport)],
    ['protocol', text(wire.codec.encoding)],
    ['encoding', isBase64 ? '"binary"' : '"json"'],
    ...ownFields(request),
  ]
  if (includesMeta && request.kind !== 'connect' && caller.metaJson !== undefined)
    fields.push(['meta', caller.metaJson]) // B1
  if (data !== undefined) fields.push([data.key, data.json])
  return `{${fields.map(([key, json]) => `"${key}":${json}`).join(',')}}`
}

function ownFields(request: HttpRequest): [key: string, json: string][] {
  if (request.kind === 'connect') {
    const { name, version, channels, token } = request
    return said({ name, version, channels, token })
  }
  const user: [string, string] = ['user', text(request.caller.user)]
  switch (request.kind) {
    case 'refresh':
      return [user]
    case 'rpc':
      return [user, ...said({ method: request.method === '' ? undefined : request.method })]
    case 'subscribe':
      return [user, ...said({ channel: request.channel, token: request.token })]
    case 'publish':
    case 'sub_refresh':
      return [user, ...said({ channel: request.channel })]
  }
}

function said(fields: Record<string, string | readonly string[] | undefined>): [string, string][] {
  return Object.entries(fields).flatMap(([key, value]): [string, string][] =>
    value === undefined || value === '' || value.length === 0 ? [] : [[key, JSON.stringify(value)]],
  )
}

/** B2. */
function dataOf(data: Bytes | undefined, isBinary: boolean): { key: string; json: string } | undefined {
  if (data === undefined || data.length === 0) return undefined
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (isBinary || !isJson(data)) return { key: 'b64data', json: `"${bytes.toString('base64')}"` }
  return { key: 'data', json: bytes.toString('utf8') } // B1
}

const text = (value: string): string => JSON.stringify(value)
