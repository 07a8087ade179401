import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { contract } from '../../test/arbitraries.js'
import type { Contract } from '../contract.js'
import { isObject, resolvePointer, textOf, type Schema } from '../json/schema.js'
import { asyncApi, readAsyncApi } from './asyncapi.js'
import { openApi } from './openapi.js'

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (!isObject(value)) return []
  const { $ref: ref } = value
  return [...(typeof ref === 'string' ? [ref] : []), ...Object.values(value).flatMap(refsIn)]
}
const at = (document: Schema, ref: unknown): Schema => resolvePointer(document, String(ref)) as Schema
const tableOf = (value: unknown): [string, Schema][] => Object.entries(value as Record<string, Schema>)
const componentName = /^[-.\w]+$/

/** The same, with its keys in another order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, one]) => [name, turned(one)]),
  )
}

const tree: Contract = {
  app: 'tree',
  connect: {},
  channels: {},
  rpc: {
    grow: {
      request: {
        $ref: '#/$defs/node',
        $defs: { node: { type: 'object', properties: { next: { $ref: '#' } } } },
      },
      reply: { type: 'object', properties: { $ref: { type: 'string' }, next: { $ref: '#' } } },
    },
  },
  events: {},
}

describe('the AsyncAPI document', () => {
  it('A2: is read as the contract that it was made of', () => {
    fc.assert(fc.property(contract, (one) => expect(textOf(readAsyncApi(asyncApi(one)))).toBe(textOf(one))))
    expect(readAsyncApi(asyncApi(tree))).toEqual(tree)
  })

  it('A1: is the same text for the same contract, in whatever order it was found', () => {
    const text = (one: Contract): string => JSON.stringify([asyncApi(one), openApi(one)])
    fc.assert(fc.property(contract, (one) => expect(text(turned(one) as Contract)).toBe(text(one))))
  })

  it('has all that AsyncAPI 3.0 wants: what is named is there, and each operation speaks of its own channel', () => {
    fc.assert(
      fc.property(contract, (one) => {
        const document = asyncApi(one)
        expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: one.app, version: '1' } })
        for (const ref of refsIn(document)) expect([ref, at(document, ref)]).toEqual([ref, expect.anything()])
        for (const [name] of tableOf((document['components'] as Schema)['schemas']))
          expect(name).toMatch(componentName)
        for (const [, channel] of tableOf(document['channels'])) expectChannel(channel)
        for (const [, operation] of tableOf(document['operations'])) expectOperation(document, operation)
      }),
    )
  })

  function expectChannel({ address, parameters = {}, messages }: Schema): void {
    expect(Object.keys(messages as Schema).length).toBeGreaterThan(0)
    for (const name of Object.keys(parameters as Schema)) expect(address).toContain(`{${name}}`)
  }

  function expectOperation(document: Schema, { action, channel, messages, reply }: Schema): void {
    expect(['send', 'receive']).toContain(action)
    const own = String((channel as Schema)['$ref'])
    for (const part of [messages, isObject(reply) ? reply['messages'] : []] as Schema[][])
      for (const { $ref: ref } of part) expect(String(ref).startsWith(`${own}/messages/`)).toBe(true)
    expect(at(document, own)).toHaveProperty('messages')
  }

  it('is refused where it is none of ours, with what to do', () => {
    for (const strange of [
      [],
      {},
      { asyncapi: '2.6.0' },
      { asyncapi: '3.0.0', info: {}, channels: { a: {} } },
    ])
      expect(() => readAsyncApi(strange)).toThrow(/natter contract --out/)
  })
})

describe('the OpenAPI document', () => {
  it('has one POST for each method, with what it takes, what it answers, and refusals', () => {
    fc.assert(
      fc.property(contract, (one) => {
        const document = openApi(one)
        expect(document['openapi']).toBe('3.1.0')
        const operations = tableOf(document['paths']).map(
          ([path, { post }]) => [path, post as Schema] as const,
        )
        expect(operations.map(([, post]) => post['operationId']).toSorted()).toEqual(
          Object.keys(one.rpc).toSorted(),
        )
        for (const [path, post] of operations) {
          expect(path).toMatch(/^\/rpc\/[^/{}]+$/)
          expect(post).toMatchObject({ requestBody: { content: {} }, responses: { 200: {}, default: {} } })
        }
        for (const ref of refsIn(document)) expect([ref, at(document, ref)]).toEqual([ref, expect.anything()])
        for (const [name] of tableOf((document['components'] as Schema)['schemas']))
          expect(name).toMatch(componentName)
      }),
    )
  })
})
