import { encodeFrame, type RawFrame } from '@natter/testing'

/** A client's frame whose mask is four zeros, which RFC 6455 allows: the same case is the same bytes again. */
export function clientFrame(frame: Omit<RawFrame, 'masked'>): Buffer {
  const bytes = encodeFrame({ ...frame, masked: false })
  const length = bytes[1] ?? 0
  const headerBytes = length < 126 ? 2 : length === 126 ? 4 : 10
  bytes[1] = length | 0x80
  return Buffer.concat([bytes.subarray(0, headerBytes), Buffer.alloc(4), bytes.subarray(headerBytes)])
}
