/**
 * Hooks over HTTP as people write them: Centrifugo's keys, where it calls them proxies. An answer has to be there before a client is
 * answered, so a timeout can't be longer than a command may take.
 */
import { z } from 'zod'
import { headerName } from './proxy-header.js'
import { duration } from '../values/duration.js'
import { list } from '../values/list.js'
import { secret } from '../values/secret.js'

/** Every command is answered within 3.8 s. */
const longestMs = 3_500

const hookEndpoint = z.string().superRefine((text, context) => {
  const problem = endpointProblem(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** Nothing of the address is said: it may hold a password. */
function endpointProblem(text: string): string | undefined {
  if (/^grpcs?:/i.test(text))
    return 'must be an address over HTTP: gRPC is not spoken here, give the same answers as JSON at an http:// or https:// address'
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    return 'must be an address that begins with http:// or https://'
  return undefined
}

const headerNames = () => list(headerName())

const statusTransform = z
  .strictObject({
    /** The status that is answered, anything but 200. */
    status_code: z.int().min(201).max(599),
    /** The error that the client's command is answered with. */
    to_error: z
      .strictObject({
        code: z.int().min(100).max(4_294_967_295),
        message: z.string().default(''),
        temporary: z.boolean().default(false),
      })
      .optional(),
    /** The code that its connection is closed with. */
    to_disconnect: z
      .strictObject({ code: z.int().min(3000).max(4999), reason: z.string().max(123).default('') })
      .optional(),
  })
  .refine(
    ({ to_error: error, to_disconnect: end }) => (error === undefined) !== (end === undefined),
    'must have to_error or to_disconnect',
  )

const overHttp = z.strictObject({
  /** Sent with each request, by name: values are secrets. */
  static_headers: z.record(headerName(), secret()).optional(),
  /** The same from files: by name the file that holds the value, read at start and with each reload. */
  static_header_files: z.record(headerName(), z.string().min(1)).optional(),
  /** What another status than 200 means. Nothing: error 100. */
  status_to_code_transforms: z.array(statusTransform).default([]),
})

const shape = {
  /** Where requests are posted to: an address that begins with http:// or https://. Redirects are not followed. */
  endpoint: hookEndpoint.optional(),
  /** How long an answer may take, connecting included; then the client gets error 100. */
  timeout: duration({ minMs: 10, maxMs: longestMs }).default(1_000),
  /** Headers of the client's own request that are passed on, of those in `client.hook_headers`. */
  http_headers: headerNames().default([]),
  /** Headers that the client says in its connect command, and may invent, that are passed on where its request had none of that name. */
  emulated_headers: headerNames().default([]),
  /** Requests carry `meta`, which a token or the connect hook said of the connection. */
  include_connection_meta: z.boolean().default(false),
  /** Data goes as base64 in `b64data`, also where it is JSON. What isn't JSON always does. */
  binary_encoding: z.boolean().default(false),
  /** `static_headers`, `static_header_files` and `status_to_code_transforms`. */
  http: overHttp.optional(),
}

/** Where one hook is answered. */
export const proxySchema = z.strictObject(shape)

/** The same, which can be off. */
export const switchedProxySchema = z.strictObject({
  /** Whether it is asked. */
  enabled: z.boolean().default(false),
  ...shape,
})

/** In Centrifugo there are such; here nothing streams over a hook. */
const noStreams = z
  .unknown()
  .refine((value) => value === undefined, 'is for streams over gRPC, which there are none of here')
  .optional()

export const clientProxySchema = z.strictObject({
  /** Asked who connects, where no token says it: `enabled` and the keys of `rpc.proxy`. */
  connect: switchedProxySchema.optional(),
  /** Asked at the end of a connection whether it goes on, also where a token let it in: `enabled` and the keys of `rpc.proxy`. */
  refresh: switchedProxySchema.optional(),
})

export const channelProxySchema = z.strictObject({
  /** Asked by namespaces with `subscribe_proxy_enabled`: the keys of `rpc.proxy`. */
  subscribe: proxySchema.optional(),
  /** Asked by namespaces with `publish_proxy_enabled`: the keys of `rpc.proxy`. */
  publish: proxySchema.optional(),
  /** Asked by namespaces with `sub_refresh_proxy_enabled`: the keys of `rpc.proxy`. */
  sub_refresh: proxySchema.optional(),
  /** Refused: nothing streams over a hook. */
  subscribe_stream: noStreams,
})

export const proxyName = z
  .string()
  .describe('What it is called.')
  .regex(/^[-a-zA-Z0-9_.]{2,}$/, 'must be two or more of a-z, A-Z, 0-9, -, _ and .')

export const rpcOptionsSchema = z.strictObject({
  /** Methods of it are answered over HTTP. */
  proxy_enabled: z.boolean().default(false),
  /** Which of `proxies.named` answers. */
  proxy_name: proxyName.default('default'),
})

export type ProxyOptions = z.output<typeof proxySchema>
export type SwitchedProxyOptions = z.output<typeof switchedProxySchema>
export type StatusTransform = z.output<typeof statusTransform>
