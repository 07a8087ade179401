/**
 * The text of every NATS subject, stream and bucket name of a mesh. Nothing else in the house puts one together.
 *
 * A token keeps `[A-Za-z0-9_-]`; every other byte of the UTF-8 text becomes `=XX`. So no name yields a wildcard, a dot or an
 * empty token, and no two names share a token: `=` alone is free and stands for "no namespace".
 */
import { InvalidError } from '@natter/primitives'

/** Virtual shards, for life: changing it would move every channel. */
export const SHARD_COUNT = 256

const NO_NAMESPACE = '='
const PREFIX_GRAMMAR = /^[a-z0-9][a-z0-9_-]{0,31}$/
const CONTROL = /\p{Cc}/u
const LONE_SURROGATE = /\p{Surrogate}/u
const PLAIN = /^[A-Za-z0-9_-]+$/
const TOKEN = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/

/** The token of a name. Bijective; at most three characters for each byte. */
export function encodeName(name: string): string {
  if (PLAIN.test(name)) return name
  if (name === '') throw new InvalidError('bad-name', 'A name must not be empty')
  if (LONE_SURROGATE.test(name)) throw new InvalidError('bad-name', 'A name must be well-formed Unicode')
  if (CONTROL.test(name)) throw new InvalidError('bad-name', 'A name must not contain control characters')
  let token = ''
  for (const byte of Buffer.from(name, 'utf8'))
    token += isPlain(byte) ? String.fromCharCode(byte) : escape(byte)
  return token
}

/** The name of a token, or undefined when no name has it. */
export function decodeName(token: string): string | undefined {
  if (!TOKEN.test(token)) return undefined
  const latin1 = token.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const name = Buffer.from(latin1, 'latin1').toString('utf8')
  return isNameOf(token, name) ? name : undefined
}

function isNameOf(token: string, name: string): boolean {
  try {
    return encodeName(name) === token
  } catch {
    return false // e.g. an escaped control character: no name encodes to it
  }
}

function isPlain(byte: number): boolean {
  const isDigit = byte >= 48 && byte <= 57
  const isLetter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
  return isDigit || isLetter || byte === 95 || byte === 45
}

function escape(byte: number): string {
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * What decides the shard: the text in braces if there is some, else what follows the first `:`, else the whole name; without
 * the `$` of a token-protected channel. So `market:btc`, `depth:btc` and `orders:{btc}:7` share a shard, hence a stream.
 */
export function shardKeyOf(channel: string): string {
  const open = channel.indexOf('{')
  const close = open < 0 ? -1 : channel.indexOf('}', open)
  if (close > open + 1) return channel.slice(open + 1, close)
  const name = channel.startsWith('$') ? channel.slice(1) : channel
  return name.slice(name.indexOf(':') + 1)
}

/** The virtual shard of a channel. */
export function shardOf(channel: string): number {
  return fnv1a32(shardKeyOf(channel)) % SHARD_COUNT
}

export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The names of one mesh. Two prefixes never meet. */
export class Subjects {
  private readonly upper: string

  /** @throws InvalidError `bad-prefix`: only lower case, because stream names carry it in upper case. */
  constructor(readonly prefix: string) {
    if (!PREFIX_GRAMMAR.test(prefix)) {
      throw new InvalidError('bad-prefix', `Prefix '${prefix}' must match ${PREFIX_GRAMMAR.source}`)
    }
    this.upper = prefix.toUpperCase()
  }

  /** Appended to, and stored. */
  stored(namespace: string, channel: string): string {
    return this.ofChannel('c', namespace, channel)
  }

  /** Republished by the stream; ephemeral publications go here directly. */
  live(namespace: string, channel: string): string {
    return this.ofChannel('l', namespace, channel)
  }

  presence(namespace: string, channel: string): string {
    return this.ofChannel('p', namespace, channel)
  }

  /** A node asks all others who is in a channel. A word, never a number: it can't be taken for a shard. */
  get presenceAsk(): string {
    return `${this.prefix}.p.ask`
  }

  /** Gateways say that they are there. */
  get presenceBeat(): string {
    return `${this.prefix}.p.beat`
  }

  /** Gateways tell each other which connections a user has. A word, like `ask`. */
  get userConnections(): string {
    return `${this.prefix}.p.user`
  }

  controlOfNode(nodeId: string): string {
    return `${this.prefix}.ctl.node.${encodeName(nodeId)}`
  }

  controlOfUser(user: string): string {
    return `${this.prefix}.ctl.user.${encodeName(user)}`
  }

  get controlOfAll(): string {
    return `${this.prefix}.ctl.all`
  }

  /** Gateways ask each other what they hold. */
  get survey(): string {
    return `${this.prefix}.ctl.survey`
  }

  /** Instances of apps say that they are there. */
  get appBeat(): string {
    return `${this.prefix}.app.beat`
  }

  /** Who starts asks all instances to beat at once. */
  get appCall(): string {
    return `${this.prefix}.app.call`
  }

  /** Hooks, events and probes for one instance of an app. */
  toApp(instance: string): string {
    return `${this.prefix}.app.to.${encodeName(instance)}`
  }

  /** Requests of apps to one gateway. */
  apiOfNode(nodeId: string): string {
    return `${this.prefix}.api.${encodeName(nodeId)}`
  }

  /** What clients of HTTP transports posted to another gateway than theirs. */
  emulationOfNode(nodeId: string): string {
    return `${this.prefix}.emu.${encodeName(nodeId)}`
  }

  /** What one gateway, in one life of it, writes down of its connections: in the journal. */
  sessions(nodeId: string, life: string): string {
    return `${this.prefix}.sess.${encodeName(nodeId)}.${encodeName(life)}`
  }

  get allSessions(): string {
    return `${this.prefix}.sess.>`
  }

  /** Whose they are, or undefined when the subject is no such one. */
  sessionsIn(subject: string): { node: string; life: string } | undefined {
    const start = `${this.prefix}.sess.`
    const [nodeToken = '', lifeToken = '', ...rest] = subject.startsWith(start)
      ? subject.slice(start.length).split('.')
      : []
    const [node, life] = [decodeName(nodeToken), decodeName(lifeToken)]
    return node === undefined || life === undefined || rest.length > 0 ? undefined : { node, life }
  }

  /** Which gateways have subscribers of a channel: in the journal. */
  occupancy(namespace: string, channel: string): string {
    const space = namespace === '' ? NO_NAMESPACE : encodeName(namespace)
    return `${this.prefix}.occ.${space}.${encodeName(channel)}`
  }

  get allOccupancy(): string {
    return `${this.prefix}.occ.>`
  }

  /** Where sessions and occupancy are written down. */
  get journal(): string {
    return `${this.upper}_JOURNAL`
  }

  /** Everything that the stream keeps of one shard. */
  storedShard(shard: number): string {
    return `${this.prefix}.c.${shard}.>`
  }

  get republish(): { src: string; dest: string } {
    return { src: `${this.prefix}.c.>`, dest: `${this.prefix}.l.>` }
  }

  /** One message per stream that is always there to be read: it tells the stream's newest sequence. */
  sentinel(streamIndex: number): string {
    return `${this.prefix}.s.${streamIndex}`
  }

  stream(streamIndex: number): string {
    return `${this.upper}_CH_${streamIndex}`
  }

  bucket(kind: 'topology' | 'registry' | 'revocations' | 'idempotency'): string {
    return `${this.upper}_${kind}`
  }

  /** Where a bucket repeats what it stored. */
  bucketLive(bucket: string): string {
    return `${this.prefix}.kv.${bucket}`
  }

  /** Nobody but us listens below it. */
  inbox(nodeId: string): string {
    return `_INBOX_${this.prefix}.${nodeId}`
  }

  /** The shard in a stored subject, or undefined when it isn't one. */
  shardIn(subject: string): number | undefined {
    if (!subject.startsWith(`${this.prefix}.c.`)) return undefined
    const start = this.prefix.length + 3
    const end = subject.indexOf('.', start)
    const shard = end > start ? Number(subject.slice(start, end)) : -1
    return Number.isInteger(shard) && shard >= 0 && shard < SHARD_COUNT ? shard : undefined
  }

  /** Whose publications a stored subject carries, or undefined when it carries none. */
  channelOf(subject: string): { namespace: string; channel: string } | undefined {
    if (this.shardIn(subject) === undefined) return undefined
    const [, , space, name, ...rest] = subject.slice(this.prefix.length + 1).split('.')
    if (space === undefined || name === undefined || rest.length > 0) return undefined
    const namespace = space === NO_NAMESPACE ? '' : decodeName(space)
    const channel = decodeName(name)
    return namespace === undefined || channel === undefined ? undefined : { namespace, channel }
  }

  private ofChannel(family: string, namespace: string, channel: string): string {
    const space = namespace === '' ? NO_NAMESPACE : encodeName(namespace)
    return `${this.prefix}.${family}.${shardOf(channel)}.${space}.${encodeName(channel)}`
  }
}
