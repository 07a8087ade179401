import type { Veil } from './veil.js'

/**
 * Any value as something JSON can hold, bounded in depth, width and length. Nothing a value can do makes this throw: not
 * cycles, throwing getters, proxies or broken dates.
 */
const maxTextLength = 2000
const maxItems = 50
const maxDepth = 6

/** Texts under such a name are hidden, in case somebody logs a whole request or configuration. */
const secretName =
  /token|secret|password|passphrase|authorization|cookie|credential|(api|private|access).?key/i

/** @param veil over each text, before it is cut */
export function toPlain(value: unknown, withStacks: boolean, veil?: Pick<Veil, 'over'>): unknown {
  return new Plainer(withStacks, veil).plain(value, 0)
}

class Plainer {
  private readonly above = new Set<object>()

  constructor(
    private readonly withStacks: boolean,
    private readonly veil: Pick<Veil, 'over'> | undefined,
  ) {}

  plain(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'bigint':
        return value.toString()
      case 'object':
        return value === null ? null : this.guarded(value, depth)
      case 'function':
      case 'symbol':
        return `[${typeof value}]`
      default:
        return value
    }
  }

  private guarded(value: object, depth: number): unknown {
    if (this.above.has(value)) return '[circular]'
    if (depth >= maxDepth) return '[deep]'
    this.above.add(value)
    try {
      return this.object(value, depth + 1)
    } catch {
      return '[unreadable]'
    } finally {
      this.above.delete(value)
    }
  }

  private object(value: object, depth: number): unknown {
    if (value instanceof Error) return this.error(value, depth)
    if (value instanceof Date) return value.toISOString()
    if (value instanceof URL) return this.text(value.href)
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (value instanceof Map) return this.object(Object.fromEntries(take(value)), depth)
    if (value instanceof Set || Array.isArray(value))
      return [...take(value)].map((item) => this.plain(item, depth))
    const entries = Object.keys(value).slice(0, maxItems)
    return Object.fromEntries(entries.map((key) => [this.text(key), this.property(value, key, depth)]))
  }

  private property(owner: object, key: string, depth: number): unknown {
    let value: unknown
    try {
      value = Reflect.get(owner, key)
    } catch {
      return '[unreadable]'
    }
    return typeof value === 'string' && secretName.test(key) ? '(hidden)' : this.plain(value, depth)
  }

  private text(text: string): string {
    return plainText(this.veil?.over(text) ?? text)
  }

  private error(error: Error, depth: number): unknown {
    const { name, message, stack, cause } = error
    const code = 'code' in error ? error.code : undefined
    return {
      name: this.text(name),
      ...(code === undefined ? {} : { code: this.plain(code, depth) }),
      message: this.text(message),
      ...(cause === undefined ? {} : { cause: this.plain(cause, depth) }),
      ...(this.withStacks && stack !== undefined ? { stack: this.text(stack) } : {}),
    }
  }
}

function take<T>(items: Iterable<T>): T[] {
  const taken: T[] = []
  for (const item of items) {
    if (taken.length >= maxItems) break
    taken.push(item)
  }
  return taken
}

/** Cut, and without the user and password of an address. */
function plainText(text: string): string {
  const cut = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
  return cut.includes('://') ? cut.replaceAll(/:\/\/\S*@/g, '://(hidden)@') : cut
}
