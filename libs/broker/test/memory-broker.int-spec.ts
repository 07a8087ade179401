import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { describeBroker, Inbox } from './broker.contract.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')

function pairOf(mesh: MemoryMesh): { a: MemoryBroker; b: MemoryBroker; close(): Promise<void> } {
  const [a, b] = [new MemoryBroker(mesh), new MemoryBroker(mesh)]
  return { a, b, close: async () => void (await Promise.all([a.close(), b.close()])) }
}

describeBroker('memory', async () => pairOf(new MemoryMesh({ streams: 3 })))

describe('the faults of a memory mesh', () => {
  it('drops, doubles and delays live messages, and keeps the stored ones', async () => {
    const mesh = new MemoryMesh()
    const { a, b, close } = pairOf(mesh)
    const route = a.route('', 'room')
    const inbox = new Inbox()
    b.bus.subscribe(route.liveSubject, inbox.take)
    const plan = [{ copies: 0 }, { copies: 2 }, { delayMs: 5 }, {}]
    mesh.fault = () => plan.shift()
    for (const body of ['dropped', 'doubled', 'late', 'plain']) await a.log.append(route.subject, text(body))
    await inbox.until(4)
    expect(inbox.bodies).toEqual(['doubled', 'doubled', 'plain', 'late'])
    const { messages } = await b.log.read(route.stream, route.subject, {
      from: 1,
      to: 9,
      limit: 9,
      maxBytes: 999,
    })
    expect(messages).toHaveLength(4)
    await close()
  })

  it('a node that is cut off refuses at once and misses what is live meanwhile', async () => {
    const { a, b, close } = pairOf(new MemoryMesh())
    const route = a.route('', 'room')
    const inbox = new Inbox()
    b.bus.subscribe(route.liveSubject, inbox.take)
    b.disconnect()
    await a.log.append(route.subject, text('missed'))
    await expect(b.log.append(route.subject, text('x'))).rejects.toMatchObject({ code: 'nats-away' })
    expect(() => b.bus.publish(route.liveSubject, text('x'))).toThrow(
      expect.objectContaining({ code: 'nats-away' }),
    )
    b.reconnect()
    await a.log.append(route.subject, text('seen'))
    await inbox.until(1)
    expect(inbox.bodies).toEqual(['seen'])
    await close()
  })

  it('a wiped mesh has another epoch, and every node is told', async () => {
    const mesh = new MemoryMesh()
    const { a, b, close } = pairOf(mesh)
    const { epoch } = a.route('', 'room')
    const told: string[] = []
    a.events.on('broker:epoch:change', (change) => told.push(change.epoch))
    mesh.wipe()
    await b.verifyStreams()
    expect(a.route('', 'room').epoch).not.toBe(epoch)
    expect(told).toEqual([a.route('', 'room').epoch])
    await close()
  })
})
