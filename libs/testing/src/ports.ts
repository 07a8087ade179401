import { createServer } from 'node:net'

/** Handed out in this process; the system may offer the same port again as soon as it is free. */
const given = new Set<number>()

/** A port nobody listens on now; never the same twice in a test run's process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await askSystem()
    if (given.has(port)) continue
    given.add(port)
    return port
  }
}

function askSystem(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}
