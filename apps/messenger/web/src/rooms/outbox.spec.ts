import { afterEach, describe, expect, it } from '@jest/globals'
import type { MessageData } from './chat-message.js'
import { Outbox } from './outbox.js'
import type { OwnMessage } from './timeline.js'

interface Attempt {
  data: MessageData
  succeed: () => void
  fail: (error: { code: number; message: string; temporary?: boolean }) => void
}

/** A server whose answers the test gives. */
class Scripted {
  own: readonly OwnMessage[] = []
  readonly outbox = new Outbox(
    { user: 'ana', name: 'Ana' },
    (data) => this.#take(data),
    (own) => {
      this.own = own
    },
  )
  readonly #attempts: Attempt[] = []
  readonly #waiting: Array<(attempt: Attempt) => void> = []

  next(): Promise<Attempt> {
    const attempt = this.#attempts.shift()
    return attempt ? Promise.resolve(attempt) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  kinds(): string[] {
    return this.own.map(({ delivery }) => delivery.kind)
  }

  #take(data: MessageData): Promise<void> {
    return new Promise((resolve, reject) => {
      const attempt = { data, succeed: resolve, fail: reject }
      const waiting = this.#waiting.shift()
      if (waiting) waiting(attempt)
      else this.#attempts.push(attempt)
    })
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('own messages on their way', () => {
  let server: Scripted

  afterEach(() => server.outbox.close())

  it('are sent again with the same id after no answer, so that the server can store them once', async () => {
    server = new Scripted()
    server.outbox.send('hello')
    const first = await server.next()
    first.fail({ code: 1, message: 'timeout' })
    const second = await server.next()
    expect(second.data).toEqual(first.data)
    second.succeed()
    await settled()
    expect(server.kinds()).toEqual(['stored'])
  })

  it('wait for the one before, because order is a promise and a repeat would come too late', async () => {
    server = new Scripted()
    server.outbox.send('first')
    server.outbox.send('second')
    const first = await server.next()
    first.fail({ code: 100, message: 'internal server error', temporary: true })
    await settled()
    expect(server.own[0]?.delivery).toEqual({ kind: 'waiting', isHeld: true })
    expect(server.kinds()).toEqual(['waiting', 'sending'])
    server.outbox.wake()
    const again = await server.next()
    expect(again.data.text).toBe('first')
    again.succeed()
    expect((await server.next()).data.text).toBe('second')
  })

  it('stop only at a permanent refusal, and the next one goes on', async () => {
    server = new Scripted()
    server.outbox.send('forbidden')
    server.outbox.send('fine')
    const refused = await server.next()
    refused.fail({ code: 103, message: 'permission denied' })
    const fine = await server.next()
    expect(fine.data.text).toBe('fine')
    fine.succeed()
    await settled()
    expect(server.own.map(({ delivery }) => delivery)).toEqual([
      { kind: 'refused', reason: 'permission denied' },
      { kind: 'stored' },
    ])
  })

  it('are taken back to be written anew, and then nothing of them is sent or shown', async () => {
    server = new Scripted()
    server.outbox.send('/dance')
    const attempt = await server.next()
    attempt.fail({ code: 1404, message: 'There is no command /dance.' })
    await settled()
    expect(server.outbox.takeBack(`ana/${attempt.data.id}`)).toBe('/dance')
    expect(server.own).toEqual([])
  })

  it('are answered, not refused, where they were a question to the bot', async () => {
    server = new Scripted()
    server.outbox.send('/help')
    server.outbox.send('next')
    const question = await server.next()
    question.fail({ code: 1200, message: 'I know one command.' })
    expect((await server.next()).data.text).toBe('next')
    expect(server.own[0]?.delivery).toEqual({ kind: 'answered', answer: 'I know one command.' })
  })

  it('are not sent again when their publication arrived before the answer was lost', async () => {
    server = new Scripted()
    server.outbox.send('hello')
    const attempt = await server.next()
    server.outbox.arrived(new Set([`ana/${attempt.data.id}`]))
    attempt.fail({ code: 11, message: 'connection closed' })
    server.outbox.send('next')
    server.outbox.wake()
    expect((await server.next()).data.text).toBe('next')
    expect(server.own.map(({ text }) => text)).toEqual(['next'])
  })
})
