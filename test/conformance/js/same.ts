/** Assertions that work in Node and in a page: a law is told in one place and holds in both. */

/** JSON values: undefined fields count as absent, keys have no order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => sorted(one))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]),
  )
}

const text = (value: unknown): string => JSON.stringify(sorted(value)) ?? 'undefined'
const brief = (value: unknown): string =>
  text(value).length > 600 ? `${text(value).slice(0, 600)}…` : text(value)

/** @throws Error both values, where they differ as JSON. */
export function same(actual: unknown, expected: unknown, what = ''): void {
  if (text(actual) === text(expected)) return
  throw new Error(`${what === '' ? '' : `${what}: `}expected ${brief(expected)}, got ${brief(actual)}`)
}

/** `actual` has at least the fields of `expected`. */
export function has<T extends object>(
  actual: T,
  expected: Partial<Record<keyof T, unknown>>,
  what = '',
): void {
  same(Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key as keyof T]])), expected, what)
}

export function holds(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(`does not hold: ${what}`)
}

/** The code of the error that the promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<number | undefined> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: number }).code
  }
  return undefined
}

/** Asks again until it is as expected: for what is told by no event. Two seconds are what the SDK's own tests give presence. */
export async function soon(ask: () => Promise<unknown>, expected: unknown, withinMs = 2_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (text(answer) === text(expected) || Date.now() >= deadline) return same(answer, expected)
    await new Promise((resolve) => setTimeout(resolve, 20)) // no faster than a client may ask
  }
}
