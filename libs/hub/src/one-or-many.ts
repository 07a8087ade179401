/** A set that is not empty, and costs nothing while it has one member. Members are no sets themselves. */
export type OneOrMany<T> = T | Set<T>

const isMany = <T>(set: OneOrMany<T>): set is Set<T> => set instanceof Set

export function plus<T>(set: OneOrMany<T> | undefined, member: T): OneOrMany<T> {
  if (set === undefined || set === member) return member
  return isMany(set) ? set.add(member) : new Set([set, member])
}

/** Undefined: nothing is left. */
export function minus<T>(set: OneOrMany<T>, member: T): OneOrMany<T> | undefined {
  if (!isMany(set)) return set === member ? undefined : set
  set.delete(member)
  if (set.size > 1) return set
  const [last] = set
  return last
}

/** A copy. */
export function membersOf<T>(set: OneOrMany<T> | undefined): T[] {
  if (set === undefined) return []
  return isMany(set) ? [...set] : [set]
}

export function sizeOf<T>(set: OneOrMany<T> | undefined): number {
  if (set === undefined) return 0
  return isMany(set) ? set.size : 1
}
