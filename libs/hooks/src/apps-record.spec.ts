import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import fc from 'fast-check'
import { emptyTable } from '../test/apps.js'
import {
  appsKey,
  claimApp,
  claimsOf,
  decodeApps,
  encodeApps,
  forgetApp,
  hashOf,
  restoreApp,
  withApp,
  type AppsRecord,
} from './apps-record.js'
import type { AnswerTable } from './hooks.js'

const hooks = ['subscribe', 'publish', 'presence', 'history'] as const
const name = fc.constantFrom('', 'chat', 'game', '__proto__', 'constructor', 'böse: name')
const table: fc.Arbitrary<AnswerTable> = fc.record({
  connection: fc.uniqueArray(fc.constantFrom('connect' as const, 'refresh' as const)),
  namespaces: fc.dictionary(name, fc.uniqueArray(fc.constantFrom(...hooks)), { noNullPrototype: true }),
  rpc: fc.dictionary(name, fc.record({ idempotent: fc.boolean() }), { noNullPrototype: true }),
  events: fc.constant([]),
})
const starts = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), table), { maxLength: 12, size: 'max' })

/** Those that were refused change nothing. */
const startAll = (all: readonly (readonly [string, AnswerTable])[]): AppsRecord => {
  let record: AppsRecord = new Map()
  for (const [app, answers] of all) {
    try {
      record = withApp(record, app, answers)
    } catch {
      // refused
    }
  }
  return record
}

describe('the record of the apps', () => {
  it('never names two apps for one question, in whatever order they start (R1)', () => {
    fc.assert(
      fc.property(starts, (all) => {
        const claims = [...startAll(all).values()].flatMap((answers) => claimsOf(answers))
        expect(new Set(claims).size).toBe(claims.length)
      }),
    )
  })

  it('holds what the newest start of an app said, and the others as they were (R2)', () => {
    fc.assert(
      fc.property(starts, table, (all, answers) => {
        const before = startAll(all)
        const mine: AppsRecord = new Map([...before].filter(([app]) => app === 'a'))
        const after = withApp(mine, 'a', answers)
        expect([...after]).toEqual([['a', answers]])
      }),
    )
  })

  it('reads what it wrote, also names that objects have a meaning for', () => {
    fc.assert(
      fc.property(starts, (all) => {
        const record = startAll(all)
        expect(decodeApps(encodeApps(record))).toEqual(record)
      }),
    )
  })

  it.each([
    ['no JSON', '{'],
    ['no apps', '{}'],
    ['an app without answers', '{"apps":{"chat":null}}'],
    ['answers without namespaces', '{"apps":{"chat":{"connection":[],"rpc":{},"events":[]}}}'],
    [
      'a namespace without a list',
      '{"apps":{"chat":{"connection":[],"namespaces":{"chat":true},"rpc":{},"events":[]}}}',
    ],
  ])('refuses %s: half a record would be hooks that nobody demands', (_, text) => {
    expect(() => decodeApps(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'bad-apps-record' }))
  })

  it('gives one hash to the same answers in another order, and another to others: old tables are not taken for new ones', () => {
    const one: AnswerTable = { ...emptyTable, namespaces: { a: ['subscribe', 'publish'], b: ['history'] } }
    const same: AnswerTable = { ...emptyTable, namespaces: { b: ['history'], a: ['publish', 'subscribe'] } }
    const other: AnswerTable = { ...emptyTable, namespaces: { a: ['subscribe'], b: ['history', 'publish'] } }
    expect(hashOf(one)).toBe(hashOf(same))
    expect(hashOf(one)).not.toBe(hashOf(other))
    expect(hashOf({ ...emptyTable, rpc: { a: { idempotent: true } } })).not.toBe(
      hashOf({ ...emptyTable, rpc: { a: { idempotent: false } } }),
    )
  })

  it('refuses an app that answers what another one does, both named, and says how to go on', () => {
    const record = withApp(new Map(), 'door', { ...emptyTable, connection: ['connect'] })
    const second = (): unknown => withApp(record, 'gate', { ...emptyTable, connection: ['connect'] })
    expect(second).toThrow(
      expect.objectContaining({
        code: 'handler-taken',
        message: expect.stringMatching(/'gate'.*connect.*'door'.*apps forget door/) as unknown,
      }),
    )
  })

  it('loses no app of many that start at once: writers take turns', async () => {
    const mesh = new MemoryMesh()
    const names = Array.from({ length: 20 }, (_, i) => `app-${i}`)
    const start = (app: string): Promise<unknown> =>
      claimApp(new MemoryBroker(mesh).registry, app, { ...emptyTable, rpc: { [app]: { idempotent: true } } })
    await Promise.all(names.map((app) => start(app)))
    const record = decodeApps(mesh.record(appsKey)?.value ?? new Uint8Array())
    expect([...record.keys()].toSorted()).toEqual(names.toSorted())
  })

  it('is restored by an instance only where its app has no entry: an old one must not undo what a new one claimed', async () => {
    const { registry } = new MemoryBroker(new MemoryMesh())
    const older: AnswerTable = { ...emptyTable, rpc: { old: { idempotent: true } } }
    const newer: AnswerTable = { ...emptyTable, rpc: { new: { idempotent: true } } }
    await restoreApp(registry, 'chat', older)
    await claimApp(registry, 'chat', newer)
    expect(await restoreApp(registry, 'chat', older)).toEqual(new Map([['chat', newer]]))
  })

  it('forgets an app that is gone for good, and says when there is none of that name', async () => {
    const { registry } = new MemoryBroker(new MemoryMesh())
    await claimApp(registry, 'chat', { ...emptyTable, connection: ['connect'] })
    expect(await forgetApp(registry, 'chat')).toBe(true)
    expect(await forgetApp(registry, 'chat')).toBe(false)
    await claimApp(registry, 'door', { ...emptyTable, connection: ['connect'] })
  })
})
