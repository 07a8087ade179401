/** A close frame carries at most 125 bytes, two of them the code (RFC 6455, 5.5). */
const maxReasonBytes = 123

/** Cuts a close reason to what a close frame can carry, never through a character. */
export function cutReason(reason: string): string {
  const bytes = Buffer.from(reason)
  if (bytes.length <= maxReasonBytes) return reason
  let end = maxReasonBytes
  while (isContinuation(bytes[end])) end -= 1
  return bytes.toString('utf8', 0, end)
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
