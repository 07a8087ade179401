import { describe, expect, it } from '@jest/globals'
import { Disconnects, type Command } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import { MemoryClient, MemorySocketServer } from '@natter/transport'
import fc from 'fast-check'
import { Connection } from './connection.js'
import { Intake, type IntakeOptions } from './intake.js'
import { websocketWires } from './wire.js'

const generous: IntakeOptions = { commandRate: 5_000, commandBurst: 10_000 }

/** A node's intake whose clock says what the test says, and whose handler notes what it is given. */
async function start(options: IntakeOptions = generous, costMs = 0) {
  let nowMs = 1
  let decoded = 0
  const taken: { connection: string; id: number }[] = []
  const handler = {
    decode(connection: Connection, message: Uint8Array): readonly Command[] {
      decoded += 1
      if (message.byteLength > 0) return connection.wire.codec.decode(message)
      connection.disconnect(Disconnects.badRequest)
      return []
    },
    take(connection: Connection, command: Command): void {
      nowMs += costMs
      taken.push({ connection: connection.id, id: command.id })
      if (command.method === 'send') connection.disconnect(Disconnects.notAvailable)
    },
  }
  const limited: string[] = []
  const intake = new Intake(
    handler,
    () => options,
    () => nowMs,
    (limit) => limited.push(limit),
  )
  const wires = { next: websocketWires.json }
  const opened: Connection[] = []
  const server = new MemorySocketServer<Connection>(
    { host: '127.0.0.1', port: 0 },
    {
      onUpgrade: () => ({ accept: true }),
      onOpen(socket) {
        socket.context = new Connection(
          `c${opened.length}`,
          socket,
          wires.next,
          new ManualClock(),
          1_000,
          () => {},
        )
        opened.push(socket.context)
      },
      onMessage() {},
      onDrain() {},
      onClose: (socket) => intake.remove(socket.context),
    },
  )
  await server.listen()
  const arrive = (remoteAddress = '127.0.0.1', wire = websocketWires.json) => {
    wires.next = wire
    const client = server.connect({ remoteAddress })
    const connection = opened.at(-1)
    if (!(client instanceof MemoryClient) || connection === undefined) throw new Error('no client')
    const receive = (message: Uint8Array, isBinary: boolean): void =>
      intake.receive(connection, message, isBinary)
    const send = (text: string, isBinary = false): void => receive(new TextEncoder().encode(text), isBinary)
    return { client, connection, send, receive }
  }
  const open = (...from: Parameters<typeof arrive>) => {
    const client = arrive(...from)
    client.connection.startConnecting()
    client.connection.connected({ user: '', expiresAtMs: undefined })
    return client
  }
  return {
    intake,
    /** Not connected yet. */
    arrive,
    /** Connected. */
    open,
    taken,
    limited,
    ids: (connection: Connection) =>
      taken.filter((one) => one.connection === connection.id).map(({ id }) => id),
    pass: (ms: number) => void (nowMs += ms),
    decodedMessages: () => decoded,
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const rpc = (id: number): string => `{"id":${id},"rpc":{}}`
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('the intake', () => {
  it('hears nothing more of a connection that its gateway sends away: neither what waits nor what comes', async () => {
    const { intake, open, taken, ids } = await start(generous, 1)
    const { connection, send } = open()
    send([1, 2, 3, 4, 5, 6].map((id) => `{"id":${id},"rpc":{}}`).join('\n')) // two fit into the turn
    const before = ids(connection)
    expect(before.length).toBeGreaterThan(0)
    expect(before.length).toBeLessThan(6)
    intake.stop(connection)
    send('{"id":7,"rpc":{}}')
    for (let i = 0; i < 5; i += 1) await new Promise(setImmediate)
    expect(ids(connection)).toEqual(before)
    expect([taken.length, intake.waitingBytes]).toEqual([before.length, 0])
    expect(connection.socket.isOpen).toBe(true)
  })

  it('handles something of who waits in every turn, though new ones come without end: nobody is forgotten under load', async () => {
    const { open, ids, pass } = await start(generous, 1)
    const patient = open()
    patient.send(upTo(40).map(rpc).join('\n'))
    await turn()
    const handled = ids(patient.connection).length
    for (let round = 0; round < 20; round += 1) {
      pass(2)
      for (const { send } of Array.from({ length: 4 }, () => open())) send(rpc(1))
      await turn()
    }
    expect(ids(patient.connection).length).toBeGreaterThanOrEqual(handled + 20)
  })

  it('handles a message in the turn in which it comes, so that a quiet node adds no wait', async () => {
    const { open, ids } = await start()
    const { connection, send } = open()
    send(`${rpc(1)}\n${rpc(2)}`)
    expect(ids(connection)).toEqual([1, 2])
  })

  it('[19.7] handles nothing while it is paused, and then all of it in order, what waited before first (I6)', async () => {
    const { open, ids, intake, limited } = await start(generous, 1)
    const [one, two] = [open(), open()]
    one.send(upTo(6).map(rpc).join('\n')) // two fit into the turn
    const before = ids(one.connection)
    intake.pause()
    one.send(rpc(7))
    two.send(rpc(1))
    for (let i = 0; i < 5; i += 1) await turn()
    expect([ids(one.connection), ids(two.connection)]).toEqual([before, []])
    intake.resume()
    for (let i = 0; i < 20; i += 1) await turn()
    expect([ids(one.connection), ids(two.connection)]).toEqual([upTo(7), [1]])
    intake.pause()
    two.send(`{"id":2,"rpc":{"data":"${'x'.repeat(8_388_608)}"}}`)
    expect([two.connection.socket.isOpen, limited]).toEqual([false, ['bytes-waiting']]) // bounded as ever (I3)
    expect(intake.waitingBytes).toBe(0)
  })

  it('lets what doesn’t fit into a turn wait, in order, and loses none of it (I1)', async () => {
    const { open, ids, intake } = await start(generous, 1)
    const { connection, send } = open()
    for (const id of upTo(100)) send(rpc(id))
    expect(ids(connection).length).toBeLessThan(10)
    expect(intake.waitingBytes).toBeGreaterThan(0)
    while (ids(connection).length < 100) await turn()
    expect(ids(connection)).toEqual(upTo(100))
    expect(intake.waitingBytes).toBe(0)
  })

  it('lets nothing overtake what waits, though there is time again in the turn in which it comes (I1)', async () => {
    const { open, ids } = await start(generous, 1)
    const { connection, send } = open()
    send(upTo(20).map(rpc).join('\n'))
    await turn()
    send(rpc(21))
    while (ids(connection).length < 21) await turn()
    expect(ids(connection)).toEqual(upTo(21))
  })

  it('copies what waits: the library reuses the bytes of a message after the call', async () => {
    const { intake, open, ids } = await start(generous, 10)
    const { connection, send } = open()
    send(rpc(1))
    const bytes = new TextEncoder().encode(rpc(2))
    intake.receive(connection, bytes, false)
    bytes.fill(0)
    await turn()
    expect(ids(connection)).toEqual([1, 2])
  })

  it('cuts a message of thousands of commands into slices like any others', async () => {
    const { open, ids } = await start(generous, 1)
    const { connection, send } = open()
    send(upTo(200).map(rpc).join('\n'))
    expect(ids(connection).length).toBeLessThan(10)
    while (ids(connection).length < 200) await turn()
    expect(ids(connection)).toEqual(upTo(200))
  })

  it('serves who has just come before who has been flooding, so that a flood costs its own connection (I2)', async () => {
    const { open, ids } = await start(generous, 1)
    const floods = [open(), open(), open()]
    for (const id of upTo(500)) for (const { send } of floods) send(rpc(id))
    await turn()
    const honest = open()
    honest.send(rpc(1))
    await turn()
    expect(ids(honest.connection)).toEqual([1])
    expect(floods.every(({ connection }) => ids(connection).length < 100)).toBe(true)
  })

  it('serves all that wait, also when nobody sends any more (I1)', async () => {
    const { open, ids } = await start(generous, 10)
    const clients = [open(), open(), open(), open()]
    for (const { send } of clients) send(rpc(1))
    for (let turns = 0; turns < 20; turns += 1) await turn()
    expect(clients.map(({ connection }) => ids(connection))).toEqual([[1], [1], [1], [1]])
  })

  it('serves those who are in before those who connect, so that a storm of connects is for the storm to wait for (I2)', async () => {
    const { open, arrive, ids, taken } = await start(generous, 1)
    const [busy, honest] = [open(), open()]
    const storm = Array.from({ length: 60 }, () => arrive())
    for (const { send } of storm) send(rpc(1))
    busy.send(rpc(1)) // the rest of the turn
    honest.send(rpc(1))
    expect(ids(honest.connection)).toEqual([])
    await turn()
    expect(ids(honest.connection)).toEqual([1])
    expect(taken.length).toBeLessThan(8)
    while (taken.length < 62) await turn()
    const newcomers = new Set(storm.map(({ connection }) => connection.id))
    const order = taken.map(({ connection }) => connection).filter((id) => newcomers.has(id))
    expect(order).toEqual([...newcomers])
  })

  it('serves one who connects in every turn, though those who are in never leave it time: nobody is kept out by a busy node (I2)', async () => {
    const { open, arrive, ids, pass } = await start(generous, 1)
    const storm = Array.from({ length: 20 }, () => arrive())
    for (const { send } of storm) send(rpc(1))
    for (let round = 0; round < 20; round += 1) {
      pass(2)
      for (const { send } of Array.from({ length: 6 }, () => open())) send(rpc(1))
      await turn()
    }
    expect(storm.flatMap(({ connection }) => ids(connection)).length).toBe(20)
  })

  it('gives each that waits its turn: none of them starves (I2)', async () => {
    const { open, ids } = await start(generous, 1)
    const floods = [open(), open(), open()]
    for (const id of upTo(200)) for (const { send } of floods) send(rpc(id))
    for (let turns = 0; turns < 20; turns += 1) await turn()
    const handled = floods.map(({ connection }) => ids(connection).length)
    expect(Math.max(...handled) - Math.min(...handled)).toBeLessThan(20)
  })

  it('closes with 3013 who sends more than its burst, and looks at nothing more of it (I1, I3)', async () => {
    const { open, ids, intake } = await start({ commandRate: 100, commandBurst: 50 }, 1)
    const { client, connection, send } = open()
    for (const id of upTo(51)) send(rpc(id))
    const handled = ids(connection).length
    expect(await client.closedWith).toEqual(Disconnects.tooManyRequests)
    await turn()
    expect(ids(connection)).toHaveLength(handled)
    expect([intake.waitingBytes, connection.lane?.inbox.isEmpty]).toEqual([0, true])
  })

  it('[20.13] takes a steady stream at the rate for ever, and closes one above it', async () => {
    const { open, pass } = await start({ commandRate: 100, commandBurst: 20 })
    const [steady, fast] = [open('10.0.0.1'), open('10.0.0.2')]
    for (const id of upTo(1_000)) {
      pass(10)
      await turn()
      steady.send(rpc(id))
      if (fast.connection.socket.isOpen) fast.send(`${rpc(2 * id)}\n${rpc(2 * id + 1)}`)
    }
    expect(steady.connection.socket.isOpen).toBe(true)
    expect(await fast.client.closedWith).toEqual(Disconnects.tooManyRequests)
  })

  it('refuses a message of more commands than the burst without parsing it (I4)', async () => {
    const { open, decodedMessages } = await start({ commandRate: 10, commandBurst: 100 })
    const { client, send } = open()
    send('{}\n'.repeat(20_000))
    expect(await client.closedWith).toEqual(Disconnects.tooManyRequests)
    expect(decodedMessages()).toBe(0)
  })

  it('[3.11] counts the commands of a Protobuf message by their lengths, and not the bytes that would be newlines in JSON', async () => {
    const { open, ids } = await start({ commandRate: 1, commandBurst: 10 })
    const pongs = open('127.0.0.1', websocketWires.protobuf)
    pongs.receive(new Uint8Array(11), true)
    expect(await pongs.client.closedWith).toEqual(Disconnects.tooManyRequests)
    const newlines = Array.from({ length: 100 }, () => 0x0a)
    const one = open('127.0.0.2', websocketWires.protobuf)
    one.receive(Uint8Array.of(106, 8, 1, 0x6a, 102, 0x0a, 100, ...newlines), true) // an rpc with its data
    expect(ids(one.connection)).toEqual([1])
    expect(one.connection.socket.isOpen).toBe(true)
  })

  it('counts long messages by their size, because reading them is what costs', async () => {
    const { open } = await start({ commandRate: 1, commandBurst: 100 })
    const { client, send } = open()
    const long = `{"id":1,"rpc":{"data":"${'x'.repeat(60_000)}"}}` // 59 times 1 KiB
    send(long)
    send(long)
    expect(await client.closedWith).toEqual(Disconnects.tooManyRequests)
  })

  it('counts long messages by the objects and arrays they open, because nesting costs more to read than its bytes', async () => {
    const nested = `{"id":1,"rpc":{"data":${'['.repeat(30_000)}${']'.repeat(30_000)}}}` // 469 times 64
    const flat = `{"id":1,"rpc":{"data":[${'{"a":"some text, as data has it"},'.repeat(1_500)}0]}}` // 59 KiB, 49 by size
    const { open } = await start({ commandRate: 1, commandBurst: 100 })
    const [deep, usual] = [open(), open()]
    deep.send(nested)
    expect(await deep.client.closedWith).toEqual(Disconnects.tooManyRequests)
    const objects = open()
    objects.send(`{"id":1,"rpc":{"data":${'{"":'.repeat(12_000)}0${'}'.repeat(12_000)}}}`) // 188 times 64, 59 by size
    expect(await objects.client.closedWith).toEqual(Disconnects.tooManyRequests)
    usual.send(flat)
    await new Promise(setImmediate)
    expect(usual.connection.socket.isOpen).toBe(true)
  })

  it('[20.14] bounds the bytes that wait for one connection, and for all of them (I3)', async () => {
    const { open, intake, limited } = await start({ commandRate: 1_000_000, commandBurst: 1_000_000 }, 10)
    const long = `{"id":1,"rpc":{"data":"${'x'.repeat(60_000)}"}}`
    const clients = Array.from({ length: 12 }, (_, index) => open(`10.0.0.${index}`))
    for (const { connection, send } of clients) {
      for (let n = 0; n < 150 && connection.socket.isOpen; n += 1) {
        send(long)
        expect(intake.waitingBytes).toBeLessThanOrEqual(67_108_864)
      }
      expect(connection.socket.isOpen).toBe(false)
    }
    expect(intake.waitingBytes).toBe(0)
    expect(limited).toEqual(clients.map(() => 'bytes-waiting'))
  })

  it('sends away who has much waiting in a turn that brings more than a node can look at, and nobody else (I3)', async () => {
    const { open } = await start({ commandRate: 1_000, commandBurst: 1_000 }, 10)
    const floods = Array.from({ length: 4 }, () => open())
    for (const id of upTo(900)) {
      for (const { connection, send } of floods) if (connection.socket.isOpen) send(rpc(id))
    }
    expect(floods.every(({ connection }) => !connection.socket.isOpen)).toBe(true)
    const honest = open('10.0.0.9')
    honest.send(rpc(1))
    honest.send(rpc(2))
    expect(honest.connection.socket.isOpen).toBe(true)
  })

  it('keeps who has a few hundred messages waiting, however much others bring in: that many at a time is what we advise (I3)', async () => {
    const { open } = await start({ commandRate: 1_000, commandBurst: 1_000 }, 10)
    const honest = open('10.0.0.9')
    const floods = Array.from({ length: 4 }, () => open())
    for (const id of upTo(900)) {
      for (const { connection, send } of floods) if (connection.socket.isOpen) send(rpc(id))
    }
    for (const id of upTo(500)) honest.send(rpc(id))
    expect(floods.some(({ connection }) => connection.socket.isOpen)).toBe(false)
    expect(honest.connection.socket.isOpen).toBe(true)
  })

  it('has room for who has little waiting where a few others fill a node with theirs (I3)', async () => {
    const { open, intake } = await start({ commandRate: 100_000, commandBurst: 100_000 }, 10)
    const long = `{"id":1,"rpc":{"data":"${'x'.repeat(60_000)}"}}`
    for (const { connection, send } of Array.from({ length: 12 }, () => open())) {
      for (let n = 0; n < 139 && connection.socket.isOpen; n += 1) send(long)
    }
    const filled = intake.waitingBytes
    const honest = open('10.0.0.9')
    for (const id of upTo(8)) honest.send(long.replace('1', String(id)))
    expect(filled).toBeGreaterThan(25_000_000)
    expect(honest.connection.socket.isOpen).toBe(true)
    expect(intake.waitingBytes).toBeLessThanOrEqual(67_108_864)
  })

  it('sends nobody away who keeps to his burst while a node takes less than two in a turn, whatever it took before (I3)', async () => {
    const { open } = await start({ commandRate: 1_000, commandBurst: 1_000 }, 10)
    const all = upTo(900).map(rpc)
    const early = [open('10.0.0.1'), open('10.0.0.2'), open('10.0.0.3')]
    for (const { send } of early) {
      send(all.join('\n'))
      await turn()
    }
    const many = [open('10.0.0.4'), open('10.0.0.5')]
    for (const message of all) for (const { send } of many) send(message)
    expect([...early, ...many].every(({ connection }) => connection.socket.isOpen)).toBe(true)
  })

  it('[3.11] gives an address that was closed for flooding a small burst for ten seconds, and others the whole (I5)', async () => {
    const { open, pass } = await start({ commandRate: 1, commandBurst: 1_000 })
    const batch = (count: number): string => upTo(count).map(rpc).join('\n')
    open('10.0.0.1').send(batch(1_001))
    const [again, small, other] = [open('10.0.0.1'), open('10.0.0.1'), open('10.0.0.2')]
    other.send(batch(900))
    small.send(batch(200))
    again.send(batch(201))
    expect([again, small, other].map(({ connection }) => connection.socket.isOpen)).toEqual([
      false,
      true,
      true,
    ])
    const proxied = open('10.0.0.1')
    proxied.connection.address = '203.0.113.7' // the proxy's socket, somebody else's request
    proxied.send(batch(900))
    expect(proxied.connection.socket.isOpen).toBe(true)
    pass(10_001)
    const later = open('10.0.0.1')
    later.send(batch(900))
    expect(later.connection.socket.isOpen).toBe(true)
  })

  it('takes a binary message in its place: what came before it is handled, and then the connection ends', async () => {
    const { open, ids } = await start(generous, 10)
    const { client, connection, send } = open()
    send(rpc(1))
    send(rpc(2))
    send(rpc(3), true)
    send(rpc(4))
    expect(await client.closedWith).toEqual(Disconnects.badRequest)
    expect(ids(connection)).toEqual([1, 2])
  })

  it('handles every command once and in order, and none behind the one that ended the connection, whatever comes when', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ client: fc.nat(2), count: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 1, arbitrary: fc.record({ client: fc.nat(2), end: fc.constant(true) }) },
      { weight: 3, arbitrary: fc.constant('turn' as const) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.constantFrom(0, 0.3, 1, 3),
        async (steps, costMs) => {
          const { open, ids, intake } = await start(generous, costMs)
          const clients = [open(), open(), open()]
          const sent = clients.map((): number[] => [])
          for (const one of steps) {
            if (one === 'turn') {
              await turn()
              continue
            }
            const [client, expected] = [clients[one.client], sent[one.client]]
            if (client === undefined || expected === undefined || !client.connection.socket.isOpen) continue
            const from = expected.length
            const count = 'end' in one ? 1 : one.count
            const numbers = Array.from({ length: count }, (_, index) => from + index + 1)
            if (!expected.includes(-1)) expected.push(...numbers, ...('end' in one ? [-1] : []))
            const commands = numbers.map((id) => ('end' in one ? `{"id":${id},"send":{}}` : rpc(id)))
            client.send(commands.join('\n'))
          }
          while (intake.waitingBytes > 0) await turn()
          for (let n = 0; n < 200; n += 1) await turn()
          clients.forEach(({ connection }, index) => {
            expect(ids(connection)).toEqual(sent[index]?.filter((id) => id > 0))
          })
        },
      ),
      { numRuns: 40 },
    )
  })
})
