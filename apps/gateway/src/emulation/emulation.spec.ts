import { describe, expect, it } from '@jest/globals'
import { Subjects, type Broker } from '@natter/broker'
import { Emulation } from './emulation.js'

/** A mesh that takes messages and answers when it is told to. */
function start() {
  const asked: (() => void)[] = []
  const bus = {
    ask: (_subject: string, _body: Uint8Array, { onReply }: { onReply(reply: Uint8Array): boolean }) =>
      new Promise<boolean>((resolve) => {
        asked.push(() => {
          onReply(Buffer.from('taken'))
          resolve(true)
        })
      }),
  }
  const broker = { bus, subjects: new Subjects('natter') } as unknown as Broker
  const emulation = new Emulation({ broker, node: 'here', receive: () => {} })
  const post = async () =>
    emulation.take(Buffer.from(JSON.stringify({ node: 'there', session: 's', data: '{}' })), false)
  return { asked, post }
}

describe('messages for another gateway', () => {
  it('[15.5] are a thousand on their way at most: one more is refused, and the next one when some have arrived (EM3)', async () => {
    const { asked, post } = start()
    const posts = Array.from({ length: 1_000 }, post)
    expect(await post()).toBe('failed')
    expect(asked).toHaveLength(1_000)
    asked[0]?.()
    expect(await posts[0]).toBe('taken')
    const next = post()
    expect(asked).toHaveLength(1_001)
    for (const answer of asked) answer()
    expect(await next).toBe('taken')
    expect(new Set(await Promise.all(posts))).toEqual(new Set(['taken']))
  })
})
