/**
 * What is different between two contracts, and what of it breaks clients that keep to the first.
 *
 * C1. Compared is what is on the wire: a parameter of a channel's path may have another name.
 * C2. What can no more be asked breaks; what can be asked besides does not.
 */
import { shapeOf, type ChannelContract, type Contract, type RpcContract } from '../contract.js'
import { textOf, type Schema } from '../json/schema.js'
import { breaking, change, type Change, type ChangeKind } from './change.js'
import { compareSchemas } from './compare-schemas.js'

/** In the order of their paths. Empty = the same. */
export function compareContracts(before: Contract, after: Contract): Change[] {
  const changes = [
    ...compareSchemas(before.connect, after.connect, 'request', 'connect data'),
    ...compareChannels(before.channels, after.channels),
    ...compareTables('rpc', before.rpc, after.rpc, compareRpc),
    ...compareTables('event', before.events, after.events, (a, b, path) =>
      compareSchemas(a, b, 'request', path),
    ),
  ]
  return changes.toSorted(
    (a, b) => order(a.path, b.path) || order(a.kind, b.kind) || order(a.message, b.message),
  )
}

export const isBreaking = (changes: readonly Change[]): boolean => changes.some((one) => one.breaking)

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

type Channels = Contract['channels']

/** C1. */
function compareChannels(before: Channels, after: Channels): Change[] {
  const byShape = new Map(Object.keys(after).map((pattern) => [shapeOf(pattern), pattern]))
  const renamed = Object.keys(before).flatMap((pattern) => {
    const now = byShape.get(shapeOf(pattern))
    return now === undefined || now === pattern ? [] : [{ pattern, now }]
  })
  const known = renamed.map(({ pattern, now }) => [pattern, after[now]!] as const)
  const others = Object.entries(after).filter(([pattern]) => !renamed.some(({ now }) => now === pattern))
  return [
    ...renamed.map(({ pattern, now }) =>
      change(`channel ${pattern}`, 'parameter-renamed', `is written ${now} now: the same channels`),
    ),
    ...compareTables('channel', before, Object.fromEntries([...others, ...known]), compareChannel),
  ]
}

type Table<T> = Readonly<Record<string, T>>

/** C2. */
function compareTables<T>(
  what: 'channel' | 'rpc' | 'event',
  before: Table<T>,
  after: Table<T>,
  compare: (before: T, after: T, path: string) => Change[],
): Change[] {
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
  const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name))
  const renames = removed.flatMap((from) => {
    const text = textOf(before[from])
    const to = added.filter((name) => textOf(after[name]) === text)
    const isOnly = to.length === 1 && removed.filter((name) => textOf(before[name]) === text).length === 1
    return isOnly ? [{ from, to: to[0]! }] : []
  })
  const isNew = (name: string): boolean => !renames.some(({ to }) => to === name)
  return [
    ...removed.map((name) => gone(what, name, renames.find(({ from }) => from === name)?.to)),
    ...added.filter(isNew).map((name) => change(`${what} ${name}`, `${what}-added`, 'is new')),
    ...Object.keys(before)
      .filter((name) => Object.hasOwn(after, name))
      .flatMap((name) => compare(before[name]!, after[name]!, `${what} ${name}`)),
  ]
}

function gone(what: 'channel' | 'rpc' | 'event', name: string, to: string | undefined): Change {
  const path = `${what} ${name}`
  return to === undefined
    ? breaking(path, `${what}-removed`, 'is gone')
    : breaking(path, `${what}-renamed`, `is gone; it seems to be ${to} now`)
}

function compareRpc(before: RpcContract, after: RpcContract, path: string): Change[] {
  return [
    ...compareSchemas(before.request, after.request, 'request', `${path} request`),
    ...compareSchemas(before.reply, after.reply, 'reply', `${path} reply`),
  ]
}

function compareChannel(before: ChannelContract, after: ChannelContract, path: string): Change[] {
  return [
    ...compareSchemas(before.publication, after.publication, 'reply', `${path} publication`),
    ...compareActions(before.publish, after.publish, `${path} publish`),
    ...compareActions(before.subscribe, after.subscribe, `${path} subscribe`),
    ...answered(before.isPresenceAnswered, after.isPresenceAnswered, `${path} presence`),
    ...answered(before.isHistoryAnswered, after.isHistoryAnswered, `${path} history`),
  ]
}

function compareActions(before: Schema | undefined, after: Schema | undefined, path: string): Change[] {
  if (before === undefined || after === undefined)
    return answered(before !== undefined, after !== undefined, path)
  return compareSchemas(before, after, 'request', path)
}

function answered(was: boolean, is: boolean, path: string): Change[] {
  if (was === is) return []
  const kind: ChangeKind = is ? 'action-added' : 'action-removed'
  return [(is ? change : breaking)(path, kind, is ? 'is answered now' : 'is answered no more')]
}
