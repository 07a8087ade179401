import { MemorySocketServer } from '../src/index.js'
import { StreamReader } from './stream-reader.js'
import { transportContract } from './transport.contract.js'

transportContract('memory', async (options, handlers) => {
  const server = new MemorySocketServer<string>({ host: 'memory', port: 0, ...options }, handlers)
  await server.listen()
  return {
    server,
    async connect({ path = '/', subprotocols = [] } = {}) {
      const [pathname = '/', query = ''] = path.split('?')
      const client = server.connect({ path: pathname, query, subprotocols })
      if (!client.accepted) throw new Error(`refused: ${client.status}`)
      return {
        messages: client.messages,
        subprotocol: client.subprotocol,
        closed: client.closedWith,
        send: (message) => client.send(message),
        pause: () => client.pause(),
        resume: () => client.resume(),
        close: (code, reason) => client.close(code, reason),
      }
    },
    dispose: () => server.close(),
  }
})

for (const framing of ['lines', 'events'] as const) {
  transportContract(
    `memory, a stream of ${framing}`,
    async (options, handlers) => {
      const server = new MemorySocketServer<string>({ host: 'memory', port: 0, ...options }, handlers)
      await server.listen()
      return {
        server,
        async connect({ path = '/' } = {}) {
          const body = 'the request'
          const stream = await server.request({ path, headers: { 'x-framing': framing }, body })
          if (!stream.accepted) throw new Error(`refused: ${stream.status}`)
          const reader = new StreamReader(framing)
          stream.read((chunk) => reader.push(chunk))
          void stream.ended.then((isInOrder) => reader.over(isInOrder))
          return {
            messages: reader.messages,
            subprotocol: undefined,
            closed: reader.closed,
            send: () => {},
            pause: () => stream.pause(),
            resume: () => stream.resume(),
            close: () => stream.abort(),
          }
        },
        dispose: () => server.close(),
      }
    },
    'stream',
  )
}
