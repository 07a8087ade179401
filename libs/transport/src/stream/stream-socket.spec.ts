import { beforeEach, describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import { StreamSocket, type Pipe } from './stream-socket.js'
import { StreamSockets } from './stream-sockets.js'

/** Takes as many writes as it is told to, and throws like the real ones when it is used after its end. */
class FussyPipe implements Pipe {
  readonly written: string[] = []
  readonly calls: ('end' | 'cut')[] = []
  nudges = 0
  takes = Number.POSITIVE_INFINITY

  write(bytes: Uint8Array): boolean {
    this.use()
    this.written.push(Buffer.from(bytes).toString())
    this.takes -= 1
    return this.takes > 0
  }

  nudge(): void {
    this.use()
    this.nudges += 1
  }

  end(): void {
    this.use()
    this.calls.push('end')
  }

  cut(): void {
    this.use()
    this.calls.push('cut')
  }

  private use(): void {
    if (this.calls.length > 0) throw new Error('a pipe that has ended was used')
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const limit = 100

describe('a stream', () => {
  let clock: ManualClock
  let closed: { code: number; reason: string }[]
  let drained: number
  let sockets: StreamSockets<undefined>
  let pipe: FussyPipe
  let socket: StreamSocket<undefined>

  beforeEach(() => {
    clock = new ManualClock(0)
    closed = []
    drained = 0
    const onClose = (_: unknown, code: number, reason: string): void => void closed.push({ code, reason })
    sockets = new StreamSockets<undefined>(limit, { onClose, onDrain: () => (drained += 1) }, clock)
    pipe = new FussyPipe()
    const opening = { framing: 'lines', farewell: (code: number) => `farewell ${code}` } as const
    socket = new StreamSocket<undefined>(sockets, '127.0.0.1', opening, pipe)
    sockets.opened(socket)
  })

  it('writes what a turn said in one go, in the order of the calls, sent or published (H1)', async () => {
    socket.join('t')
    socket.send('1')
    sockets.publish('t', '2')
    socket.send('3')
    expect(pipe.written).toEqual([])
    await turn()
    expect(pipe.written).toEqual(['1\n2\n3\n'])
  })

  it('counts what the pipe is full with until it takes more, so that a slow peer is noticed (H4)', () => {
    pipe.takes = 1
    socket.send('x'.repeat(50))
    socket.flush()
    expect(socket.bufferedBytes).toBe(51)
    expect(socket.send('y'.repeat(9))).toBe('queued')
    expect(socket.bufferedBytes).toBe(61)
    pipe.takes = Number.POSITIVE_INFINITY
    socket.writable()
    expect([socket.bufferedBytes, drained]).toEqual([0, 1])
    expect(pipe.written).toEqual([`${'x'.repeat(50)}\n`, `${'y'.repeat(9)}\n`])
  })

  it('lets a pipe that holds bytes of its own go on, where there is nothing new (H4)', () => {
    pipe.takes = 1
    socket.send('x')
    socket.flush()
    socket.writable()
    expect([pipe.nudges, drained]).toEqual([1, 1])
    socket.writable()
    expect([pipe.nudges, drained]).toEqual([2, 1]) // nobody waited
  })

  it('takes nothing after the first frame over its limit: a hole and then a frame would look whole (H2)', async () => {
    pipe.takes = 1
    socket.join('t')
    socket.send('x'.repeat(50))
    socket.flush()
    const verdicts = ['a', 'b', 'c'].map((letter) => socket.send(letter.repeat(49)))
    expect(verdicts).toEqual(['queued', 'dropped', 'dropped'])
    sockets.publish('t', 'd')
    expect(socket.isOpen).toBe(false)
    expect(closed).toEqual([]) // not within the call
    await turn()
    expect(closed).toEqual([{ code: 3008, reason: 'slow' }])
    pipe.takes = Number.POSITIVE_INFINITY
    socket.writable()
    expect(pipe.written.slice(1).join('')).toBe(`${'a'.repeat(49)}\nfarewell 3008\n`)
    expect(pipe.calls).toEqual(['end'])
  })

  it('ends after what it accepted, and leaves no timer (H5)', () => {
    socket.send('last')
    socket.end(3001, 'shutdown')
    expect(closed).toEqual([{ code: 3001, reason: 'shutdown' }])
    expect(pipe.written.join('')).toBe('last\nfarewell 3001\n')
    expect([pipe.calls, clock.pendingTimers]).toEqual([['end'], 0])
  })

  it('cuts a peer that takes nothing 5 s after the end, because its memory is ours (H5)', () => {
    pipe.takes = 1
    socket.send('x')
    socket.flush()
    socket.end(3001, 'shutdown')
    clock.advance(4_999)
    expect(pipe.calls).toEqual([])
    clock.advance(1)
    expect([pipe.calls, closed.length, clock.pendingTimers]).toEqual([['cut'], 1, 0])
  })

  it.each([
    ['end', () => socket.end(3001, 'shutdown')],
    ['cut', () => socket.cut(1006, '')],
    ['the peer’s going', () => socket.gone(3000, 'connection closed')],
  ])('touches the pipe no more after %s, and is closed once (H3)', async (_, close) => {
    socket.join('t')
    socket.send('before')
    close()
    expect(socket.send('after')).toBe('dropped')
    sockets.publish('t', 'after')
    socket.writable()
    socket.flush()
    socket.end(3001, 'shutdown')
    socket.cut(1006, '')
    socket.gone(3000, 'connection closed')
    await turn()
    expect([closed.length, pipe.written.join('').includes('after'), clock.pendingTimers]).toEqual([
      1,
      false,
      0,
    ])
  })

  it('that ends while its peer goes is over, and its timer with it (H3, H5)', () => {
    pipe.takes = 1
    socket.send('x')
    socket.flush()
    socket.end(3001, 'shutdown')
    socket.gone(3000, 'connection closed')
    expect([closed, clock.pendingTimers]).toEqual([[{ code: 3001, reason: 'shutdown' }], 0])
  })
})
