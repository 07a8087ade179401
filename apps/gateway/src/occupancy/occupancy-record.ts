/**
 * Whether a channel has subscribers anywhere in the mesh, as gateways write it down: one record per channel, changed by
 * compare-and-set. Pure.
 *
 * C1. `nodes` is the truth: which gateways have subscribers. `is` is what apps were told last, or are being told.
 * C2. One gateway has the duty (`by`): to tell, or to wait for the linger. The next change of `is` comes after the last one was heard,
 *     so apps hear `occupied` and `vacated` in turns.
 * C3. A duty of a gateway that is gone falls to whoever looks at the record next; what it may have told is told again with the same id.
 */
export interface OccupancyRecord {
  /** The life of each, by name. */
  nodes: Readonly<Record<string, string>>
  is: 'occupied' | 'vacated'
  /** Of the event. */
  id: string
  atMs: number
  isTold: boolean
  by: string
  byLife: string
}

/** What follows from a change, for who made it. `forget`: nothing is left that anybody needs to know. */
export type Duty = 'none' | 'tell' | 'linger' | 'forget'

export interface Change {
  record: OccupancyRecord
  duty: Duty
}

/** Who changes it, when, and who else is there. */
export interface Viewer {
  node: string
  life: string
  nowMs: number
  /** A new one for each event. */
  newId(): string
  isThere(node: string, life: string): boolean
}

const nobody: OccupancyRecord = {
  nodes: {},
  is: 'vacated',
  id: '',
  atMs: 0,
  isTold: true,
  by: '',
  byLife: '',
}

/** This gateway has subscribers now, or none any more; gateways that are gone are taken out. Undefined: nothing changes. */
export function look(
  before: OccupancyRecord | undefined,
  me: Viewer,
  isOccupiedHere: boolean,
): Change | undefined {
  const known = before ?? nobody
  const there = Object.entries(known.nodes).filter(
    ([node, life]) => node !== me.node && me.isThere(node, life),
  )
  const nodes = Object.fromEntries(isOccupiedHere ? [...there, [me.node, me.life]] : there)
  const change = settle({ ...known, nodes }, me, isEmpty(known.nodes))
  return change.duty === 'none' && isSame(known.nodes, nodes) ? undefined : change
}

/** The event `id` was heard. Undefined: another one has the duty. */
export function told(before: OccupancyRecord | undefined, me: Viewer, id: string): Change | undefined {
  if (before === undefined || !isMine(before, me) || before.isTold || before.id !== id) return undefined
  const record = { ...before, isTold: true }
  if (record.is === 'vacated' && isEmpty(record.nodes)) return { record, duty: 'forget' }
  return settle(record, me, false)
}

/** The linger is over. Undefined: somebody came, or waits himself. */
export function lingered(before: OccupancyRecord | undefined, me: Viewer): Change | undefined {
  if (before === undefined || !isMine(before, me) || !isLingering(before)) return undefined
  return { record: transition(before, 'vacated', me), duty: 'tell' }
}

/** C2, C3. `wasEmpty`: it already was before this change, so somebody may have the duty. */
function settle(record: OccupancyRecord, me: Viewer, wasEmpty: boolean): Change {
  const isOrphan = !me.isThere(record.by, record.byLife)
  const mine = { ...record, by: me.node, byLife: me.life }
  if (!record.isTold) return isOrphan ? { record: mine, duty: 'tell' } : { record, duty: 'none' }
  if (record.is === 'vacated' && !isEmpty(record.nodes))
    return { record: transition(record, 'occupied', me), duty: 'tell' }
  if (isLingering(record) && (!wasEmpty || isOrphan)) return { record: mine, duty: 'linger' }
  return { record, duty: 'none' }
}

function transition(record: OccupancyRecord, is: OccupancyRecord['is'], me: Viewer): OccupancyRecord {
  const { node: by, life: byLife, nowMs: atMs } = me
  return { nodes: record.nodes, is, id: me.newId(), atMs, isTold: false, by, byLife }
}

const isLingering = ({ is, isTold, nodes }: OccupancyRecord): boolean =>
  is === 'occupied' && isTold && isEmpty(nodes)

const isMine = ({ by, byLife }: OccupancyRecord, { node, life }: Viewer): boolean =>
  by === node && byLife === life

const isEmpty = (nodes: OccupancyRecord['nodes']): boolean => Object.keys(nodes).length === 0

function isSame(a: OccupancyRecord['nodes'], b: OccupancyRecord['nodes']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** With whose it is, for who reads all of them. */
export interface WrittenRecord extends OccupancyRecord {
  namespace: string
  channel: string
}

export function encodeRecord(record: WrittenRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record), 'utf8')
}

/** Undefined: there is none, or what is there is none of ours. */
export function decodeRecord(body: Uint8Array | undefined): WrittenRecord | undefined {
  if (body === undefined) return undefined
  try {
    const record = JSON.parse(Buffer.from(body).toString('utf8')) as Partial<WrittenRecord>
    const isOurs = typeof record.nodes === 'object' && typeof record.channel === 'string'
    return isOurs ? (record as WrittenRecord) : undefined
  } catch {
    return undefined
  }
}
