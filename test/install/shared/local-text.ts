/**
 * What a container reads, as it has to be on this machine: addresses instead of names, its own address instead of "any", folders of
 * this machine instead of mounted ones.
 *
 * L1. A name counts only where a host stands: in a URL, before `:<port>`, with the domain of a cluster, or alone in a variable that
 *     ends in HOST. `nats` in `nats://`, a user or a database may be called like a service.
 * L2. A path counts whole: `/data` is not in `/database` nor in `/mnt/data`.
 */

export interface Place {
  /** Of this container. */
  address: string
  /** Hosts by every name they go by. */
  names: ReadonlyMap<string, string>
  /** Folders or files by where the container sees them. */
  paths: ReadonlyMap<string, string>
}

export function localText(text: string, { address, names, paths }: Place): string {
  const addressed = text.replaceAll(anyAddress, address)
  return withPaths(withNames(addressed, names), paths)
}

export function localEnv(env: Readonly<Record<string, string>>, place: Place): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, localValue(name, value, place)]),
  )
}

function localValue(name: string, value: string, place: Place): string {
  const host = /HOST$/i.test(name) ? place.names.get(value) : undefined
  return host ?? localText(value, place)
}

const anyAddress = /(?<![\d.])0\.0\.0\.0(?!\.?\d)|\[::\](?=:\d)/g

const host = '[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?'
/** With whatever user and password stand before it. */
const inUrl = new RegExp(`(://(?:[^/@\\s"',]*@)?)(${host})(?![\\w.-])`, 'g')
const beforePort = new RegExp(`(?<![\\w./:@-])(${host})(?=:\\d)`, 'g')
const withDomain = new RegExp(`(?<![\\w./:@-])(${host}\\.svc(?:\\.cluster\\.local)?)(?![\\w.-])`, 'g')

/** L1. */
function withNames(text: string, names: ReadonlyMap<string, string>): string {
  const of = (name: string): string => names.get(name) ?? name
  return text
    .replaceAll(inUrl, (_, before: string, name: string) => before + of(name))
    .replaceAll(beforePort, of)
    .replaceAll(withDomain, of)
}

/** L2. */
function withPaths(text: string, paths: ReadonlyMap<string, string>): string {
  if (paths.size === 0) return text
  // the longest first: /data/a may be another mount than /data
  const all = [...paths.keys()]
    .toSorted((a, b) => b.length - a.length)
    .map((path) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const path = new RegExp(`(?<![\\w./-])(${all.join('|')})(?![\\w.-])`, 'g')
  return text.replaceAll(path, (found) => paths.get(found) ?? found)
}
