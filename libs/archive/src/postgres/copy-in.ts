import { once } from 'node:events'
import type { ClientBase } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/** Sends blocks into a COPY … FROM STDIN. Resolves when the server has taken all of them, rejects with its error. */
export async function copyIn(client: ClientBase, sql: string, blocks: Iterable<Buffer>): Promise<void> {
  const stream = client.query(copyFrom(sql))
  const abort = new AbortController()
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve)
    stream.on('error', (error) => {
      // the driver's stream would go on writing to a connection that it no longer has
      stream.destroy()
      abort.abort()
      reject(error)
    })
  })
  done.catch(() => {}) // it is awaited below, and may fail before
  for (const block of blocks) {
    if (stream.destroyed) break
    // the server works on what it has while the next block is encoded
    if (!stream.write(block)) await once(stream, 'drain', { signal: abort.signal }).catch(() => {})
  }
  if (!stream.destroyed) stream.end()
  await done
}
