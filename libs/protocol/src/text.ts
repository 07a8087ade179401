/** What a pass over a string's UTF-16 units can say about it. Surrogate pairs count as the four bytes they become. */
export interface TextFacts {
  utf8Bytes: number
  /** False when a surrogate stands alone: such a string has no UTF-8. */
  isWellFormed: boolean
  isAscii: boolean
  /** C0, DEL or C1. */
  hasControl: boolean
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff
const isControl = (unit: number): boolean => unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)

export function inspectText(text: string): TextFacts {
  const facts: TextFacts = { utf8Bytes: 0, isWellFormed: true, isAscii: true, hasControl: false }
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (isControl(unit)) facts.hasControl = true
    if (unit < 0x80) {
      facts.utf8Bytes += 1
      continue
    }
    facts.isAscii = false
    if (unit < 0x800) facts.utf8Bytes += 2
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      facts.utf8Bytes += 4
      index += 1
    } else {
      facts.utf8Bytes += 3 // a lone surrogate would become U+FFFD: three bytes as well
      if (isHighSurrogate(unit) || isLowSurrogate(unit)) facts.isWellFormed = false
    }
  }
  return facts
}
