/**
 * Whether a pattern is the whole of a text, where `*` stands for any run of characters. Each part between two stars is found as
 * early as it can be, and nobody goes back: a text of a stranger costs its length times the pattern's, however many stars there are.
 */
export function isGlob(pattern: string, text: string): boolean {
  const [first = '', ...between] = pattern.split('*')
  const last = between.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of between) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length - at >= last.length && text.endsWith(last)
}
