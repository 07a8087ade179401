const TONES = 8

/** Decoration: the name always stands beside it. The same person has the same tone on every page. */
export function Avatar({ user, name }: { user: string; name: string }) {
  return (
    <span className={`avatar tone-${toneOf(user)}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  )
}

function toneOf(user: string): number {
  let hash = 0
  for (const character of user) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % TONES
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  return letters.map((word) => [...(word ?? '?')][0]?.toLocaleUpperCase() ?? '?').join('')
}
