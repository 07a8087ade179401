/** The description of the API in OpenAPI 3.1, made of the table of methods: what it says is what is checked. */
import { z } from 'zod'
import { version } from '../gateway.version.js'
import { batchMethod } from './batch.js'
import type { Method } from './method.js'
import { methods } from './methods/index.js'
import { errorShape } from './shapes.js'

type Json = Record<string, unknown>

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
const inJson = (schema: Json): Json => ({ 'application/json': { schema } })
const inText = { 'text/plain': { schema: { type: 'string' } } }

const byStatus = 'With X-Centrifugo-Error-Mode: transport, an error is told so.'

const failures: Json = {
  400: {
    description: `The body is no JSON object; or: ${byStatus}`,
    content: { ...inText, ...inJson(ref('Error')) },
  },
  401: { description: 'No key, or not one that is believed.', content: inText },
  404: { description: byStatus, content: { ...inText, ...inJson(ref('Error')) } },
  409: { description: byStatus, content: inJson(ref('Error')) },
  413: { description: 'The body is longer than http_api.max_body_size.', content: inText },
  416: { description: byStatus, content: inJson(ref('Error')) },
  429: { description: byStatus, content: inJson(ref('Error')) },
  500: { description: byStatus, content: inJson(ref('Error')) },
}

/** Of results nothing more is said than what is there: later versions may answer more. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  return open(rest) as Json
}

function open(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(open)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name, one]) => !isNoise(name, one))
  return Object.fromEntries(kept.map(([name, one]) => [name, open(one)]))
}

/** The bounds of whole numbers in JavaScript, an object that is closed, and an empty beginning of `propertyNames`. */
const isNoise = (name: string, value: unknown): boolean =>
  (name === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
  (name === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
  (name === 'additionalProperties' && value === false) ||
  name === 'propertyNames'

/** `get_user` is `GetUser`. */
const typeName = (name: string): string =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

function operation(name: string, { summary }: Method, answer: Json): Json {
  return {
    post: {
      operationId: name,
      summary,
      parameters: [{ $ref: '#/components/parameters/ErrorMode' }],
      requestBody: { required: true, content: inJson(ref(`${typeName(name)}Request`)) },
      responses: {
        200: { description: 'It was looked at: a result or an error.', content: inJson(answer) },
        ...failures,
      },
    },
  }
}

const replyOf = (name: string): Json => ({
  oneOf: [
    { type: 'object', required: ['result'], properties: { result: ref(`${typeName(name)}Result`) } },
    { type: 'object', required: ['error'], properties: { error: ref('Error') } },
  ],
})

const batchReply: Json = {
  oneOf: [ref('BatchResult'), { type: 'object', required: ['error'], properties: { error: ref('Error') } }],
}

export function openApi(): Json {
  const all = { ...methods, batch: batchMethod }
  const schemas = Object.entries(all).flatMap(([name, { params, result }]) => [
    [`${typeName(name)}Request`, schemaOf(params, 'input')],
    [`${typeName(name)}Result`, schemaOf(result, 'output')],
  ])
  const paths = Object.entries(all).map(([name, method]) => [
    `/api/${name}`,
    operation(name, method, name === 'batch' ? batchReply : replyOf(name)),
  ])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Natter: the API for backends',
      version,
      description:
        'Each method is a POST with a JSON object. An error of a method is an answer with the status 200, unless asked otherwise. ' +
        'Several: /api/batch. Parameters that are null count as absent where not any JSON goes; unknown ones are passed over.',
    },
    security: [{ header: [] }, { authorization: [] }, { query: [] }],
    paths: Object.fromEntries(paths) as Json,
    components: {
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        authorization: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'apikey, a space and the key.',
        },
        query: {
          type: 'apiKey',
          in: 'query',
          name: 'api_key',
          description: 'Addresses get into logs: the headers are better.',
        },
      },
      parameters: {
        ErrorMode: {
          name: 'X-Centrifugo-Error-Mode',
          in: 'header',
          required: false,
          description: 'transport: errors are told by the status.',
          schema: { type: 'string', enum: ['transport'] },
        },
      },
      schemas: { Error: schemaOf(errorShape, 'output'), ...(Object.fromEntries(schemas) as Json) },
    },
  }
}

let made: string | undefined

/** Made once. */
export function openApiText(): string {
  made ??= `${JSON.stringify(openApi(), null, 2)}\n`
  return made
}
