/** What every implementation of `Records` must keep: `describeRecords('mine', open)`, where `open` gives two nodes and a way to cut the first off. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Broker, Records, RecordsListener, StoredRecord } from '@natter/broker'

export interface RecordsPair {
  a: Broker
  b: Broker
  /** Cuts `a` off, and resolves when it knows. */
  cut(): Promise<void>
  /** The way of `a` is there again; it will know. */
  heal(): void
  close(): Promise<void>
}

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')
const hourFromNow = (): number => Date.now() + 3_600_000

/** What a node knows, as a listener of records has to hold it. */
export class Known implements RecordsListener {
  readonly told: string[] = []
  /** What comes in order, beginnings and ends too. */
  readonly heard: StoredRecord[] = []
  private held = new Map<string, string>()
  private fresh: Map<string, string> | undefined
  private readonly looking = new Set<() => void>()
  readonly following: { stop(): void }

  constructor(records: Records) {
    this.following = records.follow(this)
  }

  begin(): void {
    this.fresh = new Map()
    this.tell('begin')
  }

  record(record: StoredRecord): void {
    this.heard.push(record)
    const value = Buffer.from(record.value).toString()
    this.fresh?.set(record.key, value)
    this.held.set(record.key, value)
    this.tell(`${record.key}=${value}`)
  }

  caughtUp(): void {
    this.held = this.fresh ?? this.held
    this.fresh = undefined
    this.tell('caught up')
  }

  away(): void {
    this.tell('away')
  }

  trouble(): void {}

  get all(): Record<string, string> {
    return Object.fromEntries(this.held)
  }

  /** Resolves when it was told this, so many times. */
  until(what: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.told.filter((one) => one === what).length < times) return
        this.looking.delete(look)
        resolve()
      }
      this.looking.add(look)
      look()
    })
  }

  private tell(what: string): void {
    this.told.push(what)
    for (const look of this.looking) look()
  }
}

export function describeRecords(name: string, open: () => Promise<RecordsPair>): void {
  describe(`records contract: ${name}`, () => {
    let pair: RecordsPair
    let a: Records
    let b: Records
    const known: Known[] = []

    const follow = async (records: Records): Promise<Known> => {
      const one = new Known(records)
      known.push(one)
      await one.until('caught up')
      return one
    }

    beforeEach(async () => {
      pair = await open()
      ;[a, b] = [pair.a.revocations, pair.b.revocations]
    })

    afterEach(async () => {
      for (const one of known.splice(0)) one.following.stop()
      await pair.close()
    })

    it('where nothing was put, who follows has caught up with nothing', async () => {
      expect((await follow(a)).told).toEqual(expect.arrayContaining(['begin', 'caught up']))
      expect((await follow(a)).all).toEqual({})
    })

    it('a record is told to all nodes, to those that come later too, the newest of each key', async () => {
      const early = await follow(b)
      await a.put('user.1', text('old'), { expiresAtMs: hourFromNow() })
      await a.put('user.1', text('new'), { expiresAtMs: hourFromNow() })
      await b.put('user.2', text('for ever'))
      await early.until('user.2=for ever')
      const expected = { 'user.1': 'new', 'user.2': 'for ever' }
      expect(early.all).toEqual(expected)
      expect((await follow(a)).all).toEqual(expected)
      expect((await follow(b)).all).toEqual(expected)
    })

    it('records come in the order in which they were stored, on every node; one that was replaced at once may be left out', async () => {
      const [one, two] = [await follow(a), await follow(b)]
      const puts = Array.from({ length: 40 }, (_, i) => (i % 2 ? a : b).put(`k.${i % 3}`, text(`${i}`)))
      await Promise.all(puts)
      await a.put('last', text('!'))
      await Promise.all([one.until('last=!'), two.until('last=!')])
      for (const { heard } of [one, two]) {
        const revisions = heard.map(({ revision }) => revision)
        expect(revisions).toEqual(revisions.toSorted((x, y) => x - y))
      }
      expect(one.all).toEqual(two.all)
      for (const key of ['k.0', 'k.1', 'k.2'])
        expect(text(one.all[key] ?? '')).toEqual((await a.get(key))?.value)
    })

    it('what was acknowledged anywhere is known to whoever catches up after that', async () => {
      for (let i = 0; i < 20; i += 1) {
        await b.put('count', text(`${i}`))
        const one = await follow(a)
        expect(one.all).toEqual({ count: `${i}` })
        one.following.stop()
      }
    })

    it('a node that was cut off keeps what it knew, and knows all when it has caught up again', async () => {
      await b.put('stays', text('1'))
      const one = await follow(a)
      await pair.cut()
      await one.until('away')
      await b.put('meanwhile', text('2'))
      await b.put('stays', text('3'))
      expect(one.all).toEqual({ stays: '1' })
      const mark = one.told.length
      pair.heal()
      await one.until('caught up', 2)
      expect(one.told.slice(mark)[0]).toBe('begin') // before anything of it is told
      expect(one.all).toEqual({ stays: '3', meanwhile: '2' })
      await b.put('later', text('4'))
      await one.until('later=4')
    })

    it('is put in place of a revision alone where that is asked', async () => {
      const first = await a.put('k', text('1'), { after: 0 })
      expect(first).toBeGreaterThan(0)
      expect(await b.put('k', text('2'), { after: 0 })).toBeUndefined()
      expect(await b.put('k', text('2'), { after: first ?? 0 })).toBeGreaterThan(first ?? 0)
      const found = await a.get('k')
      expect(Buffer.from(found?.value ?? []).toString()).toBe('2')
      expect(await a.get('nobody')).toBeUndefined()
    })

    it('who has stopped hears nothing more', async () => {
      const [stopped, other] = [await follow(a), await follow(a)]
      stopped.following.stop()
      await b.put('k', text('1'))
      await other.until('k=1')
      expect(stopped.all).toEqual({})
    })

    it('refuses what is too large, what is no key, and all while it is cut off', async () => {
      await expect(a.put('k', new Uint8Array(20_000))).rejects.toMatchObject({ code: 'message-too-large' })
      for (const key of ['', 'a b', 'a..b', '*', 'mark'])
        await expect(a.put(key, text('1'))).rejects.toMatchObject({ code: 'bad-key' })
      await pair.cut()
      await expect(a.put('k', text('1'))).rejects.toMatchObject({ code: 'nats-away' })
    })
  })
}
