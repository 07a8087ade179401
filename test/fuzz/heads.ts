/** Headers of HTTP requests: those that open a conversation, and those that make no sense. */
import { encodeFrame } from '@natter/testing'
import { clientFrame } from './client-frame.js'
import type { Chance } from '../fault/seeded.js'
import type { Carrier, Encoding, Request } from './case.js'
import { anyJson, anyText, damaged, randomBytes } from './nasty.js'

const crlf = '\r\n'

/** What the gateway is called in `Host`. */
const host = 'gateway.test'

export const head = (start: string, headers: readonly string[]): string =>
  [`${start} HTTP/1.1`, `Host: ${host}`, ...headers, crlf].join(crlf)

const paths: Readonly<Record<Carrier, string>> = {
  websocket: '/connection/websocket',
  http_stream: '/connection/http_stream',
  sse: '/connection/sse',
  uni_websocket: '/connection/uni_websocket',
  uni_sse: '/connection/uni_sse',
  uni_http_stream: '/connection/uni_http_stream',
}

const upgrade = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==',
]

/** Headers that change nothing for a gateway that reads them right. */
const harmless = [
  'Origin: https://app.example.test',
  'X-Forwarded-For: 10.0.0.1, garbage',
  'X-Real-IP: ::1',
  'Cookie: a=b; c="d',
  `Cookie: ${'x'.repeat(2_000)}`,
  'Accept-Language: *',
  'User-Agent: ',
  'Authorization: Bearer \u00ff',
  'x-odd:\tvalue\t',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99; x',
]

const some = (chance: Chance, from: readonly string[]): string[] =>
  chance.next() < 0.7 ? [] : chance.sample(from, chance.whole(1, 3))

export function webSocketHead(
  chance: Chance,
  carrier: 'websocket' | 'uni_websocket',
  encoding: Encoding,
  query = '',
): string {
  const byQuery = encoding === 'protobuf' && chance.next() < 0.3
  const offered =
    encoding === 'protobuf'
      ? byQuery
        ? undefined
        : 'centrifuge-protobuf'
      : chance.pick([undefined, undefined, 'centrifuge-json'])
  const asked = byQuery ? chance.pick(['format=protobuf', 'cf_protocol=protobuf']) : ''
  const parameters = [query, asked].filter((part) => part !== '').join('&')
  const protocol = offered === undefined ? [] : [`Sec-WebSocket-Protocol: ${offered}`]
  const start = `GET ${paths[carrier]}${parameters === '' ? '' : `?${parameters}`}`
  return head(start, [...upgrade, ...protocol, ...some(chance, harmless)])
}

/** Opens a stream by its body, or by `cf_connect` where that is how it is opened. */
export function streamHead(
  chance: Chance,
  carrier: Exclude<Carrier, 'websocket' | 'uni_websocket'>,
  encoding: Encoding,
  body: Buffer,
): { head: string; body?: Buffer } {
  const inQuery = carrier === 'sse' ? chance.next() < 0.8 : carrier === 'uni_sse' && chance.next() < 0.5
  const more = some(chance, harmless.slice(0, 8))
  if (inQuery) {
    const connect = encodeURIComponent(body.toString('utf8'))
    return { head: head(`GET ${paths[carrier]}?cf_connect=${connect}`, more) }
  }
  const type =
    encoding === 'protobuf' ? 'application/octet-stream' : chance.pick(['application/json', 'text/plain', ''])
  const typed = type === '' ? [] : [`Content-Type: ${type}`]
  return { head: head(`POST ${paths[carrier]}`, [...typed, `Content-Length: ${body.length}`, ...more]), body }
}

export const postHead = (encoding: Encoding, length: number): string =>
  head('POST /emulation', [
    `Content-Type: ${encoding === 'protobuf' ? 'application/octet-stream' : 'application/json'}`,
    `Content-Length: ${length}`,
  ])

const allPaths = [
  ...Object.values(paths),
  '/emulation',
  '/connection/init',
  '/',
  '/api',
  '/metrics',
  '/health',
  '/admin',
]
const oddPaths = [
  '/connection/websocket/',
  '//connection/websocket',
  '/connection/../emulation',
  '/%00',
  '/connection/websocket%00',
  '*',
  `/${'a'.repeat(3_000)}`,
  '/?',
  '/connection/sse?cf_connect=%',
  '/connection/sse?cf_connect=%ff%fe',
  '/connection/sse?cf_connect',
  '/connection/sse?cf_connect=&cf_connect={}',
  '/connection/uni_sse?cf_connect=[]',
  '/connection/uni_websocket?cf_connect=null',
  '/connection/websocket?format=protobuf&format=json&cf_protocol=x',
]
const oddHeaders = [
  'Upgrade: h2c',
  'Upgrade: websocket',
  'Upgrade: WEBSOCKET',
  'Connection: close',
  'Connection: Upgrade, keep-alive',
  'Expect: 100-continue',
  'Sec-WebSocket-Key: short',
  'Sec-WebSocket-Key: ',
  'Sec-WebSocket-Version: 8',
  'Sec-WebSocket-Version: x',
  'Sec-WebSocket-Protocol: centrifuge-protobuf, centrifuge-json',
  'Sec-WebSocket-Protocol: ,,',
  'Sec-WebSocket-Protocol: nobody-knows',
  'Content-Type: application/octet-stream',
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: \u00e9',
  'Origin: null',
  'Origin: https://evil.test',
  'Origin: ',
  'Access-Control-Request-Method: POST',
  'Access-Control-Request-Headers: x, y\u00ff',
  'Accept-Encoding: gzip, br;q=9',
  'Range: bytes=0-1',
]
/** Where they stand, nobody has to answer. */
const brokenHeaders = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Content-Length: 99999999999999999999',
  'No colon',
  ': no name',
  ' folded',
  'Bad\u0000: x',
  'Host: another',
  `X: ${'y'.repeat(9_000)}`,
]

/** A request that need not make sense, with a body that need not either. */
export function anyRequest(chance: Chance, body: Buffer): Request {
  const method = chance.pick([
    'GET',
    'GET',
    'POST',
    'POST',
    'OPTIONS',
    'PUT',
    'DELETE',
    'HEAD',
    'PATCH',
    'X-ODD',
  ])
  const path = chance.next() < 0.8 ? chance.pick(allPaths) : chance.pick(oddPaths)
  const isBroken = chance.next() < 0.15
  const isBare = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  const sent = isBare ? Buffer.alloc(0) : body
  const length = isBare ? [] : [`Content-Length: ${sent.length}`]
  const headers = [
    ...length,
    ...chance.sample(oddHeaders, chance.whole(0, 3)),
    ...(isBroken ? chance.sample(brokenHeaders, 1) : []),
  ]
  const start = `${method} ${path}${chance.next() < 0.2 && !path.includes('?') ? `?${encodeURIComponent(wellFormed(anyJson(chance, 1).slice(0, 500)))}` : ''}`
  const whole = {
    kind: 'request',
    head: head(start, headers),
    body: sent,
    isWellFormed: !isBroken && path !== '*' && !headers.some(isOdd),
  } as const
  if (chance.next() > 0.1) return whole
  const bytes = damaged(chance, Buffer.from(whole.head, 'latin1'))
  return { ...whole, head: bytes.toString('latin1'), isWellFormed: false }
}

const wellFormed = (text: string): string => Buffer.from(text).toString('utf8')

/** A body that is announced and asked for first, and bytes that no header holds. */
const isOdd = (header: string): boolean => header.startsWith('Expect') || /[^\t\x20-\x7e]/.test(header)

/** Bytes on a WebSocket that break RFC 6455, one way or another. */
export function brokenFrame(chance: Chance): Buffer {
  const payload = randomBytes(chance, chance.whole(0, 30))
  switch (chance.whole(0, 8)) {
    case 0:
      return randomBytes(chance, chance.whole(1, 64))
    case 1:
      return clientFrame({ opcode: chance.pick([3, 7, 11, 15]), payload })
    case 2:
      return encodeFrame({ opcode: 1, payload, masked: false })
    case 3:
      return clientFrame({
        opcode: chance.pick([8, 9, 10]),
        payload: Buffer.alloc(200),
        fin: chance.next() < 0.5,
      })
    case 4:
      return clientFrame({ opcode: 0, payload })
    case 5:
      return clientFrame({ opcode: 1, payload, claimedLength: chance.pick([70_000, 2 ** 31, 2 ** 52]) })
    case 6:
      return clientFrame({ opcode: 1, payload: Buffer.from([0xc3, 0x28, 0xff]) })
    case 7:
      return clientFrame({
        opcode: 8,
        payload: chance.pick([
          Buffer.alloc(1),
          Buffer.from([0x03, 0xe7]),
          Buffer.from(anyText(chance).slice(0, 60)),
        ]),
      })
    default: {
      const bytes = clientFrame({ opcode: 1, payload })
      bytes[0] = (bytes[0] ?? 0) | chance.pick([0x40, 0x20, 0x10])
      return bytes
    }
  }
}
