import { createServer } from 'node:net'

export type PortState = 'free' | 'taken' | 'forbidden'

/**
 * Whether nobody listens there, tried the only way that can be trusted: by listening, exclusively. (A gateway's own listening
 * socket could share the port with a stranger's; this one can't.)
 */
export function portState(port: number, host: string): Promise<PortState> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EACCES' ? 'forbidden' : 'taken'),
    )
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('free')))
  })
}

/** Some free port. Somebody may take it before it is used: whoever asks must say so when its listen fails. */
export function anyFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen({ port: 0, host, exclusive: true }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
