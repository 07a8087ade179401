/** Schemas as apps have them, values that fit them, and edits of which one knows what they do. */
import fc from 'fast-check'
import { isObject, type Contract, type Schema } from '../src/index.js'

const text = fc.oneof(
  fc.constant<Schema>({ type: 'string' }),
  fc.nat(3).map<Schema>((minLength) => ({ type: 'string', minLength })),
  fc.integer({ min: 4, max: 8 }).map<Schema>((maxLength) => ({ type: 'string', maxLength })),
  fc
    .subarray(['eur', 'usd', 'gbp'], { minLength: 1 })
    .map<Schema>((words) => ({ type: 'string', enum: words })),
)
const number = fc.oneof(
  fc.constantFrom<Schema>({ type: 'integer' }, { type: 'number' }),
  fc.integer({ min: -3, max: 3 }).map<Schema>((minimum) => ({ type: 'integer', minimum })),
  fc.integer({ min: 4, max: 9 }).map<Schema>((maximum) => ({ type: 'number', maximum })),
)
const leaf = fc.oneof(
  text,
  number,
  fc.constantFrom<Schema>({}, { type: 'boolean' }, { type: ['string', 'null'] }),
)

const fieldName = fc.constantFrom('a', 'b', 'c', 'd')

export const objectSchema: fc.Arbitrary<Schema> = fc.letrec<{ node: Schema; object: Schema }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('object'),
    tie('node').map((items) => ({ type: 'array', items })),
    fc.tuple(tie('node'), leaf).map(([one, other]) => ({ anyOf: [one, other] })),
  ),
  object: fc
    .uniqueArray(fc.tuple(fieldName, tie('node'), fc.boolean()), { selector: ([name]) => name, maxLength: 3 })
    .map((fields) => ({
      type: 'object',
      properties: Object.fromEntries(fields.map(([name, node]) => [name, node])),
      required: fields.filter(([, , isRequired]) => isRequired).map(([name]) => name),
    })),
})).object

/** Two that are much alike: the same fields, in them the same kinds of values with other limits. */
export const similarSchemas: fc.Arbitrary<[Schema, Schema]> = fc.letrec<{
  node: [Schema, Schema]
  object: [Schema, Schema]
}>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.tuple(number, number), fc.tuple(text, text), fc.tuple(leaf, leaf)),
    fc
      .tuple(fc.tuple(text, number), fc.tuple(number, text))
      .map((both) => both.map((anyOf) => ({ anyOf })) as never),
    tie('object'),
    tie('node').map((both) => both.map((items) => ({ type: 'array', items })) as never),
  ),
  object: fc
    .uniqueArray(fc.tuple(fieldName, tie('node'), fc.boolean(), fc.boolean()), {
      selector: ([name]) => name,
      maxLength: 2,
    })
    .map(
      (fields) =>
        [0, 1].map((side) => ({
          type: 'object',
          properties: Object.fromEntries(fields.map(([name, both]) => [name, both[side]])),
          required: fields.filter((field) => field[side === 0 ? 2 : 3]).map(([name]) => name),
        })) as never,
    ),
})).object

/** What fits the schema, with declared fields alone. */
export function valueOf(node: unknown): fc.Arbitrary<unknown> {
  const { type, enum: words, anyOf, properties, required, items, ...limits } = isObject(node) ? node : {}
  const limit = (name: string, fallback: number): number => Number(limits[name] ?? fallback)
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map(valueOf))
  if (Array.isArray(words)) return fc.constantFrom(...(words as unknown[]))
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => valueOf({ type: one as string })))
  switch (type) {
    case 'string':
      return fc.string({ minLength: limit('minLength', 0), maxLength: limit('maxLength', 9) })
    case 'integer':
      return fc.integer({ min: limit('minimum', -9), max: limit('maximum', 9) })
    case 'number':
      return fc.integer({ min: -90, max: limit('maximum', 9) * 10 }).map((tenths) => tenths / 10)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valueOf(items), { maxLength: 3 })
    case 'object': {
      const fields = Object.entries(isObject(properties) ? properties : {})
      const record = Object.fromEntries(fields.map(([name, one]) => [name, valueOf(one)]))
      return fc.record(record, { requiredKeys: required as string[], noNullPrototype: true })
    }
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

const channel = fc.record(
  {
    publication: objectSchema,
    publish: objectSchema,
    subscribe: objectSchema,
    isPresenceAnswered: fc.boolean(),
    isHistoryAnswered: fc.boolean(),
  },
  { requiredKeys: ['publication', 'isPresenceAnswered', 'isHistoryAnswered'], noNullPrototype: true },
)
const rpc = fc.record({ request: objectSchema, reply: objectSchema }, { noNullPrototype: true })

const table = <T>(names: readonly string[], of: fc.Arbitrary<T>) =>
  fc.dictionary(fc.constantFrom(...names), of, { maxKeys: 3, noNullPrototype: true })

export const contract: fc.Arbitrary<Contract> = fc.record(
  {
    app: fc.constantFrom('chat', 'orders'),
    connect: objectSchema,
    channels: table(['chat::room', 'chat:dm-:one-:two', 'news', ':#:user', 'a b:{:x}~/%'], channel),
    rpc: table(['sum', 'a/b', 'a b', 'a.b', '{x}'], rpc),
    events: table(['*', 'typing', 'a b', 'a.b'], objectSchema),
  },
  { noNullPrototype: true },
)
