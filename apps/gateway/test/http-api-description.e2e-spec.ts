/**
 * The description of the API against the API: what it says is taken is taken, what it says is not isn't, and what is answered is what it says.
 * Only the description is read here, not the code that it is made of.
 */
import { afterAll, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { hangUp, tell, type Told } from './backend.js'
import { memoryBench } from './bench.js'
import { apiKey, type TestNode } from './harness.js'
import { ask } from './http-client.js'

interface Schema {
  $ref?: string
  type?: string
  required?: string[]
  properties?: Record<string, Schema>
}

interface Description {
  openapi: string
  paths: Record<string, { post: { requestBody: Body; responses: Record<string, Body> } }>
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> }
}

interface Body {
  content?: Record<string, { schema: Schema }>
}

const examples: Record<string, object> = {
  publish: { channel: 'room:a', data: { any: 1 }, tags: { a: 'b' }, idempotency_key: 'one', delta: true },
  broadcast: { channels: ['room:a', 'nowhere:b'], data: [1] },
  subscribe: { user: 'ana', channel: 'closed:a', info: 1, data: 2, override: { presence: { value: true } } },
  unsubscribe: { user: 'ana', channel: 'closed:a' },
  disconnect: { user: 'nobody', whitelist: [], disconnect: { code: 4000, reason: 'x' } },
  refresh: { user: 'ana', expire_at: 4_000_000_000 },
  presence: { channel: 'room:a' },
  presence_stats: { channel: 'room:a' },
  history: { channel: 'room:a', limit: 10, reverse: true },
  channels: { pattern: '*' },
  info: {},
  connections: { user: 'ana' },
  rpc: { method: 'x', params: 1 },
  block_user: { user: 'ben', expire_at: 4_000_000_000 },
  unblock_user: { user: 'ben' },
  revoke_token: { uid: 'a' },
  invalidate_user_tokens: { user: 'ben' },
  batch: { commands: [{ info: {} }, { publish: { channel: 'a' } }], parallel: true },
}

describe('the description of the API', () => {
  const bench = memoryBench()
  afterAll(hangUp)

  const start = () => bench.start({ httpApi: {} })
  const read = async ({ apiUrl }: TestNode): Promise<Description> =>
    JSON.parse((await ask(`${apiUrl}/api/openapi.json`)).text) as Description

  /** What a schema of the description takes. */
  const reader = ({ components }: Description, schema: Schema): z.ZodType =>
    z.fromJSONSchema({ ...schema, $defs: definitionsOf(components.schemas) } as never)

  /** As `z.fromJSONSchema` wants them. */
  const relocated = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/$defs/'))
  const definitionsOf = (schemas: object) => relocated(schemas) as Record<string, Schema>

  it('[23.19] is there without a key, and names each method, its key and its errors', async () => {
    const description = await read(await start())
    expect(description.openapi).toBe('3.1.0')
    expect(Object.keys(description.paths).toSorted()).toEqual(
      Object.keys(examples)
        .map((name) => `/api/${name}`)
        .toSorted(),
    )
    expect(Object.keys(description.components.securitySchemes)).toHaveLength(3)
    const names = JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g)
    for (const [, name = ''] of names) expect(description.components.schemas).toHaveProperty([name])
  })

  it.each(Object.keys(examples))(
    '[23.19] %s: what is valid is taken, and answered in the shape that it says',
    async (name) => {
      const node = await start()
      const client = await bench.connect(node)
      await client.call('subscribe', { channel: 'room:a' })
      const description = await read(node)
      const { requestBody, responses } = description.paths[`/api/${name}`]?.post ?? {
        requestBody: {},
        responses: {},
      }
      const example = examples[name] ?? {}
      const takes = (body: Body, value: unknown): boolean =>
        reader(description, relocated(body.content?.['application/json']?.schema) as Schema).safeParse(value)
          .success
      expect(takes(requestBody, example)).toBe(true)
      await tell(node, 'publish', { channel: 'room:a', data: 1, tags: { a: 'b' } })
      const answer = await tell(node, name, example)
      expect(answer.status).toBe(200)
      expect(codesOf(answer)).toEqual(name === 'rpc' ? [104] : [])
      expect([name, takes(responses['200'] ?? {}, answer.json)]).toEqual([name, true])
      const byStatus = { 'x-api-key': apiKey, 'x-centrifugo-error-mode': 'transport' }
      for (const broken of brokenOf(description, name, example)) {
        expect([broken, takes(requestBody, broken)]).toEqual([broken, false])
        const refused = await tell(node, name, broken)
        expect([broken, codesOf(refused)]).toEqual([broken, [107]])
        expect(takes(responses['200'] ?? {}, refused.json)).toBe(true)
        const told = await tell(node, name, broken, byStatus)
        expect([told.status, takes(responses['400'] ?? {}, told.json)]).toEqual([400, true])
      }
    },
  )

  const codesOf = ({ json }: Told): number[] => (json?.error === undefined ? [] : [json.error.code])

  /** The example without each member that is wanted, and with each of another type. */
  function brokenOf({ components }: Description, name: string, example: object): object[] {
    const typeName = name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const { required = [], properties = {} } = components.schemas[`${typeName}Request`] ?? {}
    const without = required.map((key) =>
      Object.fromEntries(Object.entries(example).filter(([one]) => one !== key)),
    )
    const typed = Object.entries(properties).filter(([, { type }]) => type !== undefined)
    const others = typed.map(([key, { type }]) =>
      Object.assign({}, example, { [key]: type === 'string' ? 5 : 'other' }),
    )
    return [...without, ...others]
  }
})
