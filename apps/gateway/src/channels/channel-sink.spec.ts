import { describe, expect, it, jest } from '@jest/globals'
import { jsonCodec, type Codec, type Publication } from '@natter/protocol'
import { MemoryClient, MemorySocketServer } from '@natter/transport'
import { ChannelSink } from './channel-sink.js'
import { publicationTopic } from './topics.js'

const publication = (text: string, offset: number): Publication => ({
  data: new TextEncoder().encode(text),
  offset,
})

/** As many clients as asked for, all in the topic of `news`. */
async function serve(subscribers: number) {
  const server = new MemorySocketServer<undefined>(
    { host: '127.0.0.1', port: 0 },
    {
      onUpgrade: () => ({ accept: true }),
      onOpen: (socket) => socket.join(publicationTopic('news')),
      onMessage() {},
      onDrain() {},
      onClose() {},
    },
  )
  await server.listen()
  const clients = Array.from({ length: subscribers }, () => server.connect()).filter(
    (client) => client instanceof MemoryClient,
  )
  const push = jest.fn<Codec['push']>(jsonCodec.push)
  const publish = jest.spyOn(server, 'publish')
  return { clients, push, publish, sink: new ChannelSink(server, { ...jsonCodec, push }) }
}

describe('the way of a publication out of the node', () => {
  it.each([0, 1, 7, 500])(
    'is one encoding and one publish for %d subscribers, because work per subscriber does not scale',
    async (subscribers) => {
      const { clients, push, publish, sink } = await serve(subscribers)
      for (const offset of [1, 2, 3]) sink.deliver('news', publication(`{"n":${offset}}`, offset))
      expect([push.mock.calls.length, publish.mock.calls.length, sink.delivered]).toEqual([3, 3, 3])
      expect(publish.mock.calls[0]).toEqual([publicationTopic('news'), push.mock.results[0]?.value])
      await new Promise(setImmediate)
      expect(clients).toHaveLength(subscribers)
      for (const client of clients)
        expect(client.messages).toEqual(push.mock.results.map(({ value }) => value))
    },
  )

  it('reaches nobody who listens to another channel, also when one name begins with the other', async () => {
    const { clients, sink } = await serve(1)
    sink.deliver('new', publication('1', 1))
    sink.deliver('news:', publication('2', 2))
    await new Promise(setImmediate)
    expect(clients[0]?.messages).toEqual([])
  })
})
