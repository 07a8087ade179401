import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MemoryMesh } from '@natter/broker'
import { Disconnects } from '@natter/protocol'
import { connectSdk, type SdkClient } from '@natter/testing'
import type { PublicationContext, SubscribedContext } from 'centrifuge'
import { startMemoryNode, type TestNode } from './harness.js'

const encodings = [
  { encoding: 'json', written: (value: unknown): unknown => value, read: (data: unknown): unknown => data },
  {
    encoding: 'protobuf',
    written: (value: unknown): unknown => new TextEncoder().encode(JSON.stringify(value)),
    read: (data: unknown): unknown => JSON.parse(new TextDecoder().decode(data as Uint8Array)),
  },
] as const

/** The npm package `centrifuge`, unchanged, as users have it. */
describe.each(encodings)('the official JavaScript SDK in $encoding', ({ encoding, written, read }) => {
  let mesh: MemoryMesh
  let nodes: TestNode[] = []
  let clients: SdkClient[] = []

  const connect = async (node: TestNode): Promise<SdkClient> => {
    const client = await connectSdk(node.url, { encoding, minReconnectDelay: 20, maxReconnectDelay: 100 })
    clients.push(client)
    return client
  }

  const data = (publications: readonly PublicationContext[]): unknown[] =>
    publications.map((one) => read(one.data))

  beforeEach(async () => {
    mesh = new MemoryMesh()
    nodes = [await startMemoryNode(mesh), await startMemoryNode(mesh)]
  })

  afterEach(async () => {
    for (const client of clients) client.dispose()
    await Promise.all(nodes.map((node) => node.stop()))
    clients = []
  })

  it('publishes on one gateway and hears it on the other', async () => {
    const [one, two] = nodes as [TestNode, TestNode]
    const [writer, reader] = [await connect(one), await connect(two)]
    const here = await writer.subscribe('room:a')
    await reader.subscribe('room:a')
    await here.publish(written({ text: 'first' }))
    await here.publish(written({ text: 'second' }))
    expect(data(await reader.received('room:a', 2))).toEqual([{ text: 'first' }, { text: 'second' }])
  })

  it('reads history and presence, and gets the documented errors', async () => {
    const client = await connect(nodes[0] as TestNode)
    const subscription = await client.subscribe('room:a')
    for (let n = 0; n < 4; n += 1) await subscription.publish(written(n))
    const { publications: newest } = await subscription.history({ limit: 2, reverse: true })
    expect(data(newest)).toEqual([3, 2])
    expect(Object.keys((await subscription.presence()).clients)).toHaveLength(1)
    expect(await subscription.presenceStats()).toEqual({ numClients: 1, numUsers: 1 })
    await expect(client.centrifuge.rpc('anything', written({}))).rejects.toMatchObject({ code: 108 })
    await expect(client.centrifuge.publish('closed:a', written({}))).rejects.toMatchObject({ code: 103 })
  })

  it('resumes by itself after its connection is cut, with what was published meanwhile', async () => {
    const [one, two] = nodes as [TestNode, TestNode]
    const [reader, writer] = [await connect(one), await connect(two)]
    const subscription = await reader.subscribe('room:a')
    await writer.centrifuge.publish('room:a', written(0))
    const resumed = new Promise<SubscribedContext>((resolve) => subscription.on('subscribed', resolve))
    for (const connection of one.gateway.hub.connections()) connection.disconnect(Disconnects.forceReconnect)
    await writer.centrifuge.publish('room:a', written(1))
    await writer.centrifuge.publish('room:a', written(2))
    expect(await resumed).toMatchObject({ wasRecovering: true, recovered: true })
    expect(data(await reader.received('room:a', 3))).toEqual([0, 1, 2])
  })

  it('stays away after a terminal code', async () => {
    const { centrifuge } = await connect(nodes[0] as TestNode)
    const disconnected = new Promise<{ code: number }>((resolve) => centrifuge.on('disconnected', resolve))
    for (const connection of nodes[0]?.gateway.hub.connections() ?? [])
      connection.disconnect(Disconnects.forceDisconnect)
    expect((await disconnected).code).toBe(Disconnects.forceDisconnect.code)
  })
})
