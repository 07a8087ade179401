import type { Bytes } from './messages.js'

/** Shared: decoding whole inputs leaves no state behind. `ignoreBOM` keeps a byte order mark: it belongs to the text. */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** @throws TypeError when the bytes are not UTF-8. */
export const decodeUtf8 = (bytes: Bytes): string => strict.decode(bytes)

/** Half of a surrogate pair becomes U+FFFD. */
export const encodeUtf8 = (text: string): Bytes => encoder.encode(text)
