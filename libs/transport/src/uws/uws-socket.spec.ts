import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { NearLimit } from './near-limit.js'
import { UwsSocket, type SocketOwner } from './uws-socket.js'

const owner: SocketOwner<null> = {
  maxQueueBytes: 1_000,
  compressFromBytes: Infinity,
  undrainedBytes: 0,
  onQueued: () => {},
  settleDrops: () => {},
  onClosed: () => {},
}

function open() {
  const native = {
    getTopics: () => ['a'],
    unsubscribe: jest.fn(),
    close: jest.fn(),
    getBufferedAmount: jest.fn(() => 5_000),
  }
  const socket = new UwsSocket<null>(owner, '127.0.0.1')
  socket.opened(native as unknown as Parameters<typeof socket.opened>[0])
  return { socket, native }
}

describe('a socket that lost a frame', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('is cut after five seconds if its peer takes nothing: else who stops reading keeps its bytes here for ever', () => {
    const { socket, native } = open()
    socket.noteDrop()
    socket.isolate()
    expect(native.unsubscribe).toHaveBeenCalledWith('a')
    jest.advanceTimersByTime(4_999)
    expect(native.close).not.toHaveBeenCalled()
    jest.advanceTimersByTime(1)
    expect(native.close).toHaveBeenCalledTimes(1)
  })

  it('is not touched any more once its peer has gone (U1)', () => {
    const { socket, native } = open()
    socket.noteDrop()
    socket.isolate()
    socket.nativeClosed(1006, '')
    expect(jest.getTimerCount()).toBe(0)
    expect(native.close).not.toHaveBeenCalled()
  })
})

describe('NearLimit', () => {
  it('looks at open sockets alone: one that has closed is nobody any more', () => {
    const nearLimit = new NearLimit<null>(owner.maxQueueBytes)
    const [gone, here] = [open(), open()]
    for (const { socket } of [gone, here]) nearLimit.opened(socket)
    nearLimit.closed(gone.socket)
    nearLimit.published(900, false)
    nearLimit.beforeBigFrame(900)
    expect(here.native.getBufferedAmount).toHaveBeenCalled()
    expect(gone.native.getBufferedAmount).not.toHaveBeenCalled()
  })
})
