import { MemorySocketServer } from '../src/index.js'
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
