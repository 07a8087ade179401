/** A contract's methods as an OpenAPI 3.1 document, for tools that make types and mocks of such. */
import type { Contract, RpcContract } from '../contract.js'
import { sorted, type Schema } from '../json/schema.js'
import { Components } from './components.js'

export const openApiFile = 'contract.openapi.json'

export function openApi({ app, rpc }: Contract): Schema {
  const components = new Components()
  const error = components.add('Error', errorSchema)
  const paths = Object.entries(rpc)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, method]) => [`/rpc/${encodeURIComponent(name)}`, operation(name, method, error, components)])
  return sorted({
    openapi: '3.1.0',
    info: {
      title: app,
      version: '1',
      description:
        'The methods that clients call over their connection (rpc), each written as a POST: no HTTP server answers at these paths. ' +
        'Channels are in contract.asyncapi.json. Written by natter contract; change the app, not this file.',
    },
    paths: Object.fromEntries(paths) as Schema,
    components: { schemas: components.schemas },
  }) as Schema
}

const errorSchema: Schema = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: { type: 'integer' },
    message: { type: 'string' },
    temporary: { type: 'boolean', description: 'Whether the same call may do later' },
  },
}

function operation(
  name: string,
  { request, reply }: RpcContract,
  error: Schema,
  components: Components,
): Schema {
  const content = (schema: Schema, of: Schema) => ({
    [of['contentEncoding'] === 'binary' ? 'application/octet-stream' : 'application/json']: { schema },
  })
  return {
    post: {
      operationId: name,
      requestBody: { content: content(components.add(`${name}.request`, request), request) },
      responses: {
        200: { description: 'The reply', content: content(components.add(`${name}.reply`, reply), reply) },
        default: { description: 'A refusal', content: content(error, errorSchema) },
      },
    },
  }
}
