/**
 * What every broker must keep. Run it with a factory: `describeBroker('mine', open)`, where `open` gives two nodes of a fresh
 * mesh and a way to cut the first one off. One file, because an implementation keeps all of it or is no broker.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { AppendOptions, Appended, Broker, BusMessage, Route } from '@natter/broker'

export interface BrokerPair {
  a: Broker
  b: Broker
  close(): Promise<void>
}

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')
const read = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const wide = { limit: 100, maxBytes: 1_000_000 }

/** Collects live messages; `until(n)` resolves when n have come. */
export class Inbox {
  readonly messages: {
    subject: string
    body: string
    meta: string | undefined
    seq: number
    prev: number
  }[] = []
  private waiting: { count: number; resolve: () => void } | undefined

  readonly take = ({ subject, body, meta, stored }: BusMessage): void => {
    this.messages.push({ subject, body: read(body), meta, seq: stored?.seq ?? -1, prev: stored?.prev ?? -1 })
    if (this.waiting !== undefined && this.messages.length >= this.waiting.count) this.waiting.resolve()
  }

  get bodies(): string[] {
    return this.messages.map((message) => message.body)
  }

  until(count: number): Promise<void> {
    if (this.messages.length >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.waiting = { count, resolve }
    })
  }
}

export function describeBroker(name: string, open: () => Promise<BrokerPair>): void {
  describe(`broker contract: ${name}`, () => {
    let pair: BrokerPair
    let a: Broker
    let b: Broker
    let route: Route

    beforeEach(async () => {
      pair = await open()
      ;({ a, b } = pair)
      route = a.route('chat', 'chat:room')
    })

    afterEach(() => pair.close())

    const append = async (...bodies: string[]): Promise<number[]> => {
      const all = await Promise.all(bodies.map((body) => a.log.append(route.subject, text(body))))
      return all.map(({ seq }) => seq)
    }

    it('all nodes call the mesh by one word, which stays when streams are verified and epochs end', async () => {
      const { meshId } = a
      expect(meshId).toMatch(/^[a-z]{8}$/)
      await a.verifyStreams()
      await a.renewEpoch(route.stream, route.epoch)
      expect([a.meshId, b.meshId]).toEqual([meshId, meshId])
    })

    describe('routes', () => {
      it('all nodes name the same stream, epoch and subjects, or they would not meet', () => {
        expect(b.route('chat', 'chat:room')).toEqual(route)
        expect(b.streams).toEqual(a.streams)
        expect(a.streams).toContain(route.stream)
      })

      it('a name with $ and one without are two channels of one shard', () => {
        const other = a.route('chat', '$chat:room')
        expect(other.subject).not.toBe(route.subject)
        expect(other.shard).toBe(route.shard)
      })
    })

    describe('bus', () => {
      it('a message goes to every node that listens, in the order of publishing', async () => {
        const inbox = new Inbox()
        b.bus.subscribe(route.liveSubject, inbox.take)
        await b.bus.flush()
        for (let i = 0; i < 50; i += 1) a.bus.publish(route.liveSubject, text(`${i}`), `{"n":${i}}`)
        await inbox.until(50)
        expect(inbox.bodies).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
        expect(inbox.messages[7]).toMatchObject({ subject: route.liveSubject, meta: '{"n":7}' })
      })

      it('what was only published has no place in a stream', async () => {
        const stored: unknown[] = []
        const inbox = new Inbox()
        b.bus.subscribe(route.liveSubject, (message) => {
          stored.push(message.stored)
          inbox.take(message)
        })
        await b.bus.flush()
        a.bus.publish(route.liveSubject, text('x'))
        await inbox.until(1)
        expect(stored).toEqual([undefined])
      })

      it('a stopped subscription is not called again, and stopping twice does nothing', async () => {
        const [stopped, other] = [new Inbox(), new Inbox()]
        const subscription = b.bus.subscribe(route.liveSubject, stopped.take)
        b.bus.subscribe(route.liveSubject, other.take)
        await b.bus.flush()
        subscription.stop()
        subscription.stop()
        a.bus.publish(route.liveSubject, text('x'))
        await other.until(1)
        expect(stopped.messages).toEqual([])
      })

      it('a subscription that drains loses nothing that was sent before, and is nobody after', async () => {
        const heard: string[] = []
        const drained = new Promise<void>((resolve) => {
          const subscription = b.bus.subscribe('test.drained', ({ body }) => {
            heard.push(read(body))
            if (heard.length === 1) resolve(subscription.drain()) // the others are on their way
          })
        })
        await b.bus.flush()
        for (let n = 0; n < 20; n += 1) a.bus.publish('test.drained', text(`${n}`))
        await drained
        expect(heard).toHaveLength(20)
        let replies = 0
        const onReply = (): boolean => (replies += 1) > 0
        await a.bus.ask('test.drained', text('anybody?'), { timeoutMs: 2_000, onReply })
        expect([replies, heard.length]).toEqual([0, 20])
      })

      it('wildcards match tokens, as the control subjects need', async () => {
        const inbox = new Inbox()
        b.bus.subscribe(`${b.subjects.prefix}.ctl.>`, inbox.take)
        await b.bus.flush()
        a.bus.publish(a.subjects.controlOfNode('n1'), text('1'))
        a.bus.publish(a.subjects.controlOfAll, text('2'))
        await inbox.until(2)
        expect(inbox.bodies).toEqual(['1', '2'])
      })

      it('a callback that throws hurts nobody: it is reported, and the next message comes', async () => {
        const errors: string[] = []
        b.events.on('bus:callback:error', ({ error }) => errors.push((error as Error).message))
        const inbox = new Inbox()
        b.bus.subscribe(route.liveSubject, (message) => {
          inbox.take(message)
          throw new Error('broken listener')
        })
        await b.bus.flush()
        a.bus.publish(route.liveSubject, text('1'))
        a.bus.publish(route.liveSubject, text('2'))
        await inbox.until(2)
        expect(b.bus.isConnected).toBe(true)
        expect(errors).toContain('broken listener')
      })

      it('ask hears everybody who listens and ends when enough was heard', async () => {
        for (const [node, answer] of [
          [a, 'from a'],
          [b, 'from b'],
        ] as const) {
          node.bus.subscribe('test.question', (message) => message.respond(text(answer)))
          await node.bus.flush()
        }
        const heard: string[] = []
        const onReply = (body: Uint8Array): boolean => heard.push(read(body)) === 2
        expect(await a.bus.ask('test.question', text('?'), { timeoutMs: 10_000, onReply })).toBe(true)
        expect(heard.toSorted()).toEqual(['from a', 'from b'])
      })

      it('ask ends after its time when somebody keeps silent, and at once when nobody listens', async () => {
        b.bus.subscribe('test.silent', () => {})
        await b.bus.flush()
        const onReply = (): boolean => true
        expect(await a.bus.ask('test.silent', text('?'), { timeoutMs: 30, onReply })).toBe(true)
        expect(await a.bus.ask('test.nobody', text('?'), { timeoutMs: 60_000, onReply })).toBe(false)
      })
    })

    describe('log', () => {
      it('appends of one node are stored in the order of the calls, however many are in flight', async () => {
        const seqs = await append(...Array.from({ length: 200 }, (_, i) => `${i}`))
        expect(seqs).toEqual(seqs.toSorted((x, y) => x - y))
        expect(new Set(seqs).size).toBe(200)
      })

      it('a stored message goes to the live subject with its place and the one before it', async () => {
        const inbox = new Inbox()
        b.bus.subscribe(route.liveSubject, inbox.take)
        await b.bus.flush()
        const [first = 0, second = 0] = await append('1', '2')
        await inbox.until(2)
        expect(inbox.messages.map(({ seq, prev }) => [seq, prev])).toEqual([
          [first, 0],
          [second, first],
        ])
      })

      it('the same message id is stored once, and the repeat learns the first sequence', async () => {
        const options = { messageId: 'abc' }
        const first = await a.log.append(route.subject, text('x'), options)
        const again = await b.log.append(route.subject, text('x'), options)
        expect(again).toEqual({ seq: first.seq, isDuplicate: true })
      })

      it('an append after a sequence is stored only while that is the newest of the subject, whoever appends', async () => {
        const first = await a.log.append(route.subject, text('1'), { after: 0 })
        const late = { name: 'UnavailableError', code: 'other-newest' }
        await expect(b.log.append(route.subject, text('x'), { after: 0 })).rejects.toMatchObject(late)
        await a.log.append(a.route('chat', '$chat:room').subject, text('not of the subject'))
        const second = await b.log.append(route.subject, text('2'), { after: first.seq })
        await expect(a.log.append(route.subject, text('x'), { after: first.seq })).rejects.toMatchObject(late)
        const all = await Promise.allSettled(
          [a, b, a, b].map(({ log }) => log.append(route.subject, text('3'), { after: second.seq })),
        )
        expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        const range = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 10, maxBytes: 1_000_000, leader: true }
        const { messages } = await a.log.read(route.stream, route.subject, range)
        expect(messages.map(({ body }) => Buffer.from(body).toString())).toEqual(['1', '2', '3'])
      })

      it('appends that call back are stored in the order of the calls, and each tells its own end', async () => {
        const appendTo = (body: Uint8Array, options: AppendOptions = {}): Promise<Appended> =>
          new Promise((resolve, reject) =>
            a.log.appendTo(route, body, options, { stored: resolve, failed: reject }),
          )
        const options = { meta: '{"k":"json"}', messageId: 'one' }
        const [one, two, again] = await Promise.all([
          appendTo(text('1'), options),
          appendTo(text('2')),
          appendTo(text('1'), options),
        ])
        expect([one.isDuplicate, two.isDuplicate, again]).toEqual([
          false,
          false,
          { ...one, isDuplicate: true },
        ])
        await expect(appendTo(new Uint8Array(3_000_000))).rejects.toMatchObject({ code: 'message-too-large' })
        const { messages } = await b.log.read(route.stream, route.subject, { from: 1, to: two.seq, ...wide })
        expect(messages.map(({ seq, meta }) => [seq, meta])).toEqual([
          [one.seq, options.meta],
          [two.seq, undefined],
        ])
      })

      it('what a callback throws is reported and hurts nobody: other appends still hear their end', async () => {
        const thrown = new Error('not my day')
        const fail = (): never => {
          throw thrown
        }
        const reported: unknown[] = []
        a.events.on('bus:callback:error', ({ error }) => reported.push(error))
        a.log.appendTo(route, text('1'), {}, { stored: fail, failed: fail })
        a.log.appendTo(route, new Uint8Array(3_000_000), {}, { stored: fail, failed: fail })
        await append('2')
        expect(reported).toEqual([thrown, thrown])
      })

      it('a read gives bodies and meta back byte for byte, with the time that the live message had', async () => {
        const times: (bigint | undefined)[] = []
        const inbox = new Inbox()
        b.bus.subscribe(route.liveSubject, (message) => {
          times.push(message.stored?.timeNs)
          inbox.take(message)
        })
        await b.bus.flush()
        const body = Uint8Array.from({ length: 256 }, (_, i) => i)
        const { seq } = await a.log.append(route.subject, body, { meta: '{"k":"bin"}' })
        await inbox.until(1)
        const { messages } = await b.log.read(route.stream, route.subject, { from: seq, to: seq, ...wide })
        expect(messages).toHaveLength(1)
        expect([...(messages[0]?.body ?? [])]).toEqual([...body])
        expect(messages[0]).toMatchObject({ seq, meta: '{"k":"bin"}', timeNs: times[0] })
      })

      it.each([false, true])('a read stays within its bounds (leader: %s)', async (leader) => {
        const seqs = await append('1', '2', '3', '4', '5')
        const [, second = 0, third = 0, fourth = 0] = seqs
        const range = { from: second, to: fourth, ...wide, leader }
        const all = await a.log.read(route.stream, route.subject, range)
        expect(all.messages.map(({ seq }) => seq)).toEqual([second, third, fourth])
        expect(all.isComplete).toBe(true)
        const two = await a.log.read(route.stream, route.subject, { ...range, limit: 2 })
        expect(two.messages.map(({ seq }) => seq)).toEqual([second, third])
        expect(two.isComplete).toBe(false)
        const tight = await a.log.read(route.stream, route.subject, { ...range, maxBytes: 1 })
        expect(tight.messages.length).toBeGreaterThanOrEqual(1)
        const none = await a.log.read(route.stream, route.subject, { ...range, from: 10_000, to: 20_000 })
        expect(none).toEqual({ messages: [], isComplete: true })
      })

      it('a read up to the last of exactly `limit` messages is complete', async () => {
        const [first = 0, , third = 0] = await append('1', '2', '3', '4')
        const range = { from: first, to: third, limit: 3, maxBytes: 1_000_000 }
        const { messages, isComplete } = await a.log.read(route.stream, route.subject, range)
        expect([messages.length, isComplete]).toEqual([3, true])
      })

      it('a read sees its own subject alone', async () => {
        const other = a.route('chat', '$chat:room')
        await a.log.append(other.subject, text('other'))
        const [seq = 0] = await append('mine')
        const { messages } = await a.log.read(route.stream, route.subject, { from: 1, to: seq, ...wide })
        expect(messages.map(({ body }) => read(body))).toEqual(['mine'])
      })

      it('reading backwards gives the newest first, over long stretches of other channels too', async () => {
        const other = a.route('chat', '$chat:room')
        const seqs: number[] = []
        for (let i = 0; i < 6; i += 1) {
          seqs.push(...(await append(`${i}`)))
          await Promise.all(Array.from({ length: 40 }, () => a.log.append(other.subject, text('noise'))))
        }
        const to = (seqs.at(-1) ?? 0) + 40
        const newest = await a.log.readBackwards(route.stream, route.subject, to, 4, 1_000_000)
        expect(newest.map(({ seq }) => seq)).toEqual(seqs.toReversed().slice(0, 4))
        const all = await a.log.readBackwards(route.stream, route.subject, to, 50, 1_000_000)
        expect(all.map(({ seq }) => seq)).toEqual(seqs.toReversed())
        const tight = await a.log.readBackwards(route.stream, route.subject, to, 50, 1)
        expect(tight.map(({ seq }) => seq)).toEqual(seqs.slice(-1))
      })

      it('tops tells the newest of each subject and the end of the stream in one go', async () => {
        const other = a.route('chat', '$chat:room')
        const [, newest = 0] = await append('1', '2')
        const { seq: end } = await a.log.append(other.subject, text('3'))
        const empty = a.route('chat', 'chat:{room}:empty').subject
        const tops = await b.log.tops(route.stream, [route.subject, other.subject, empty])
        expect(tops.upTo).toBe(end)
        expect([...tops.newest].map(([subject, { seq }]) => [subject, seq]).toSorted()).toEqual(
          [
            [route.subject, newest],
            [other.subject, end],
          ].toSorted(),
        )
      })

      it('tops of more subjects than fit one request are all told', async () => {
        const subjects = Array.from({ length: 1_100 }, (_, i) => a.route('chat', `chat:{room}:${i}`).subject)
        await Promise.all(subjects.map((subject) => a.log.append(subject, text('x'))))
        const tops = await a.log.tops(route.stream, subjects)
        expect(tops.newest.size).toBe(1_100)
      })

      it('firstSeq is not above what can be read', async () => {
        const [seq = 0] = await append('1')
        expect(await a.log.firstSeq(route.stream)).toBeLessThanOrEqual(seq)
      })

      const bodiesOf = (messages: readonly { body: Uint8Array }[]): string[] =>
        messages.map(({ body }) => read(body)).filter((body) => body !== '') // NATS' streams carry sentinels

      it('readStream gives the messages of all channels in the order of the stream, with whose they are', async () => {
        const other = a.route('chat', '$chat:room')
        for (let i = 0; i < 6; i += 1) {
          await a.log.append(i % 2 === 0 ? route.subject : other.subject, text(`${i}`), {
            meta: `{"n":${i}}`,
          })
        }
        const { messages, pending } = await b.log.readStream(route.stream, { from: 1, ...wide })
        expect(pending).toBe(0)
        expect(bodiesOf(messages)).toEqual(['0', '1', '2', '3', '4', '5'])
        const ours = messages.filter(({ subject }) => b.subjects.channelOf(subject) !== undefined)
        expect(ours.map(({ subject }) => b.subjects.channelOf(subject)?.channel)).toEqual(
          [0, 1, 2, 3, 4, 5].map((i) => (i % 2 === 0 ? 'chat:room' : '$chat:room')),
        )
        expect(ours.map(({ meta }) => meta)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `{"n":${i}}`))
        const seqs = messages.map(({ seq }) => seq)
        expect(seqs).toEqual(seqs.toSorted((one, next) => one - next))
      })

      it('readStream goes through a stream in pages, told how much is left; a page of no bytes still has one', async () => {
        const all = await append('1', '2', '3', '4', '5')
        const from = all[0] ?? 0
        const page = await b.log.readStream(route.stream, { from, limit: 2, maxBytes: 1_000_000 })
        expect([bodiesOf(page.messages), page.pending]).toEqual([['1', '2'], 3])
        const next = await b.log.readStream(route.stream, { from: (all[1] ?? 0) + 1, limit: 9, maxBytes: 1 })
        expect([bodiesOf(next.messages), next.pending]).toEqual([['3'], 2])
        const past = (all.at(-1) ?? 0) + 1
        expect(await b.log.readStream(route.stream, { from: past, ...wide })).toEqual({
          messages: [],
          pending: 0,
        })
      })

      it('a purge takes what lies below and nothing else; who reads on from there is told where the stream begins', async () => {
        const [first = 0, , third = 0, last = 0] = await append('1', '2', '3', '4')
        const before = await a.log.state(route.stream)
        expect(await a.log.purge(route.stream, third)).toBe(third - before.firstSeq)
        const { messages } = await b.log.readStream(route.stream, { from: first, ...wide })
        expect(bodiesOf(messages)).toEqual(['3', '4'])
        expect(await b.log.state(route.stream)).toMatchObject({ firstSeq: third, lastSeq: last, messages: 2 })
        await a.log.purge(route.stream, last + 1)
        expect(await b.log.state(route.stream)).toMatchObject({ firstSeq: last + 1, messages: 0, bytes: 0 })
        const [next] = await append('5')
        expect(next).toBe(last + 1) // sequences go on
      })

      it('tops of a stream that was purged empty still tells its end: what was there was considered', async () => {
        const [seq = 0] = await append('1')
        await a.log.purge(route.stream, seq + 1)
        const tops = await b.log.tops(route.stream, [route.subject])
        expect([...tops.newest]).toEqual([])
        expect(tops.upTo).toBeGreaterThanOrEqual(seq)
      })

      it('messageAt answers the message with this very sequence, or nothing', async () => {
        const [one = 0, two = 0] = await append('1', '2')
        const found = await b.log.messageAt(route.stream, one)
        expect(found).toMatchObject({ seq: one, subject: route.subject, meta: undefined })
        expect(read(found?.body ?? new Uint8Array())).toBe('1')
        const { messages } = await b.log.readStream(route.stream, { from: one, ...wide })
        expect(messages[0]?.timeNs).toBe(found?.timeNs)
        await a.log.purge(route.stream, two)
        expect(await b.log.messageAt(route.stream, one)).toBeUndefined()
        expect(await b.log.messageAt(route.stream, two + 1)).toBeUndefined()
      })

      it('state tells what the stream holds, as its leader sees it', async () => {
        const before = await b.log.state(route.stream)
        const [, last] = await append('1', '22')
        const after = await b.log.state(route.stream)
        expect(after).toMatchObject({ created: before.created, lastSeq: last, onFull: 'forget' })
        expect(after.messages).toBe(before.messages + 2)
        expect(after.bytes).toBeGreaterThanOrEqual(before.bytes + 3)
      })

      it('each append is told once, as what it was', async () => {
        const outcomes: string[] = []
        a.events.on('broker:append:outcome', ({ outcome }) => outcomes.push(outcome))
        await a.log.append(route.subject, text('x'), { messageId: 'm' })
        await a.log.append(route.subject, text('x'), { messageId: 'm' })
        await expect(a.log.append(route.subject, new Uint8Array(3_000_000))).rejects.toMatchObject({
          code: 'message-too-large',
        })
        expect(outcomes).toEqual(['stored', 'duplicate', 'refused'])
      })
    })

    describe('epochs', () => {
      const told = (node: Broker): string[] => {
        const epochs: string[] = []
        node.events.on('broker:epoch:change', ({ stream, epoch }) => {
          if (stream === route.stream) epochs.push(epoch)
        })
        return epochs
      }
      const hears = (node: Broker): Promise<void> =>
        new Promise((resolve) => node.events.on('broker:epoch:change', () => resolve()))

      it('epochOf is the word of the route', () => {
        expect(b.epochOf(route.stream)).toBe(route.epoch)
        expect(() => a.epochOf('nobody')).toThrow(expect.objectContaining({ code: 'no-such-stream' }))
      })

      it('a renewed epoch is told to every node, of that stream alone', async () => {
        const others = a.streams
          .filter((stream) => stream !== route.stream)
          .map((stream) => a.epochOf(stream))
        const [atA, atB, heard] = [told(a), told(b), hears(b)]
        await a.renewEpoch(route.stream, route.epoch)
        const epoch = a.epochOf(route.stream)
        expect(epoch).not.toBe(route.epoch)
        await heard
        expect([atA, atB, b.route('chat', 'chat:room').epoch]).toEqual([[epoch], [epoch], epoch])
        expect(
          a.streams.filter((stream) => stream !== route.stream).map((stream) => a.epochOf(stream)),
        ).toEqual(others)
      })

      it('of two who renew the same epoch at once one is right, and both go by the same new word', async () => {
        const heard = [hears(a), hears(b)]
        const both = [a, b].map((node) => node.renewEpoch(route.stream, route.epoch))
        const [atA, atB] = [told(a), told(b)]
        await Promise.all([...both, ...heard])
        expect(a.epochOf(route.stream)).toBe(b.epochOf(route.stream))
        expect(a.epochOf(route.stream)).not.toBe(route.epoch)
        expect([atA.length, atB.length].every((count) => count <= 1)).toBe(true)
      })

      it('an epoch that is over can’t be ended again: whoever comes late changes nothing', async () => {
        await a.renewEpoch(route.stream, route.epoch)
        const epoch = a.epochOf(route.stream)
        await b.renewEpoch(route.stream, route.epoch)
        expect([a.epochOf(route.stream), b.epochOf(route.stream)]).toEqual([epoch, epoch])
      })
    })

    describe('registry', () => {
      it('of two who create, or replace the same revision, one wins', async () => {
        const created = await Promise.all([
          a.registry.create('k', text('a')),
          b.registry.create('k', text('b')),
        ])
        expect(created.filter((revision) => revision !== undefined)).toHaveLength(1)
        const revision = created.find((one) => one !== undefined) ?? 0
        expect((await b.registry.get('k'))?.revision).toBe(revision)
        const updates = [
          a.registry.update('k', text('c'), revision),
          b.registry.update('k', text('d'), revision),
        ]
        expect((await Promise.all(updates)).filter((one) => one !== undefined)).toHaveLength(1)
      })

      it('a key that nobody wrote is undefined', async () => {
        expect(await a.registry.get('nothing')).toBeUndefined()
      })

      it('a watcher is told the present value and each later one', async () => {
        await a.registry.create('k', text('1'))
        const seen: string[] = []
        const changed = new Promise<void>((resolve) => {
          void b.registry.watch('k', ({ value }) => {
            seen.push(read(value))
            if (seen.length === 1) void a.registry.update('k', text('2'), 1)
            else resolve()
          })
        })
        await changed
        expect(seen).toEqual(['1', '2'])
      })
    })

    describe('journal', () => {
      const bodies = (entries: readonly { body: Uint8Array }[]): string[] =>
        entries.map(({ body }) => read(body))

      it('of nobody is empty, and reading it creates nothing that could fail', async () => {
        expect(await a.journal.read(a.subjects.sessions('g1', 'x'))).toEqual([])
        expect(await a.journal.last(a.subjects.sessions('g1', 'x'))).toBeUndefined()
        expect(await a.journal.subjects(a.subjects.allSessions)).toEqual([])
        await a.journal.purge(a.subjects.sessions('g1', 'x'))
      })

      it('keeps what one node wrote for another, in its order, until it is taken away', async () => {
        const mine = a.subjects.sessions('g.1', 'x y')
        const other = a.subjects.sessions('g2', 'x')
        const seqs: (number | undefined)[] = []
        for (let n = 0; n < 1_100; n += 1) seqs.push(await a.journal.append(mine, text(String(n))))
        await a.journal.append(other, text('other'))
        const entries = await b.journal.read(mine)
        expect(bodies(entries)).toEqual(seqs.map((_, n) => String(n)))
        expect(entries.map(({ seq }) => seq)).toEqual(seqs)
        expect(await b.journal.last(mine)).toEqual(entries.at(-1))
        expect((await b.journal.subjects(b.subjects.allSessions)).toSorted()).toEqual(
          [mine, other].toSorted(),
        )
        expect(b.subjects.sessionsIn(mine)).toEqual({ node: 'g.1', life: 'x y' })
        await b.journal.purge(mine, seqs[1_098])
        expect(bodies(await a.journal.read(mine))).toEqual(['1098', '1099'])
        await b.journal.purge(mine)
        expect(await a.journal.read(mine)).toEqual([])
        expect(bodies(await a.journal.read(other))).toEqual(['other'])
      })

      it('of two who write after the same entry lets one, also after a purge, and no number comes twice', async () => {
        const subject = a.subjects.occupancy('chat', 'chat:a')
        const first = await a.journal.append(subject, text('1'), { after: 0 })
        expect(await b.journal.append(subject, text('x'), { after: 0 })).toBeUndefined()
        const second = await Promise.all(
          [a, b].map((node) => node.journal.append(subject, text('2'), { after: first ?? 0 })),
        )
        expect(second.filter((seq) => seq !== undefined)).toHaveLength(1)
        await a.journal.purge(subject)
        const third = await b.journal.append(subject, text('3'), { after: 0 })
        expect(third).toBeGreaterThan(Math.max(...second.map((seq) => seq ?? 0)))
        expect(bodies(await a.journal.read(subject))).toEqual(['3'])
      })
    })
  })
}
