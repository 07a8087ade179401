import { format, resolveConfig } from 'prettier'
import { join } from 'node:path'
import { openApi } from '../../apps/gateway/src/http-api/openapi.js'
import { root } from '../repository.js'
import { code, generatedNote, page, sentence, table } from './markdown.js'

interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  required?: string[]
  description?: string
}

interface Description {
  paths: Record<string, { post: { operationId: string; summary: string } }>
  components: { schemas: Record<string, Schema> }
}

/** For programs: clients are made of it. */
export async function openApiFile(): Promise<string> {
  const options = await resolveConfig(join(root, 'docs', 'reference', 'openapi.json'))
  return await format(JSON.stringify(openApi()), { ...options, parser: 'json' })
}

/** For people. */
export async function httpApiPage(): Promise<string> {
  const { paths, components } = openApi() as unknown as Description
  const sections = Object.values(paths).map(({ post: { operationId: name, summary } }) => {
    const typeName = name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const [request, result] = [
      components.schemas[`${typeName}Request`],
      components.schemas[`${typeName}Result`],
    ]
    return [`## ${name}`, summary, fields('Parameter', request, true), fields('Result', result, false)]
      .filter((text) => text !== '')
      .join('\n\n')
  })
  return await page(
    '# HTTP API',
    generatedNote,
    'What backends ask with `POST /api/<method>`: [how](../operations/http-api.md), and what is promised of it: ' +
      '[docs/protocol.md 23](../protocol.md#23-the-api-for-backends). For programs the same as OpenAPI 3.1: [openapi.json](openapi.json), ' +
      'and `/api/openapi.json` of each gateway that serves it. Errors: [the codes](error-codes.md).',
    ...sections,
  )
}

function fields(head: string, schema: Schema | undefined, isRequest: boolean): string {
  const required = new Set(schema?.required)
  const rows = Object.entries(schema?.properties ?? {}).map(([name, field]) => [
    code(name),
    code(typeOf(field)),
    isRequest === required.has(name) ? (isRequest ? 'yes' : 'not always') : '',
    field.description === undefined ? '' : sentence(field.description),
  ])
  return table([head, 'Type', isRequest ? 'Needed' : 'There', ''], rows)
}

function typeOf({ type, items, properties, additionalProperties, enum: values }: Schema): string {
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (type === 'array') return `${typeOf(items ?? {})}[]`
  if (type !== 'object') return typeof type === 'string' ? type : 'any JSON'
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, member]) => `${name}: ${typeOf(member)}`)
    return `{ ${members.join(', ')} }`
  }
  return `{ [name]: ${typeOf(additionalProperties ?? {})} }`
}
