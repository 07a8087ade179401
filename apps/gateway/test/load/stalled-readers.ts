/**
 * Clients that subscribe to a channel and then read nothing any more, in a process of their own: `stalled-readers.ts port sockets
 * channel`. Prints `stalled` when all of them are subscribed and have stopped.
 */
import { MisbehavingPeer } from '@natter/testing'

const [port = 0, sockets = 1] = process.argv.slice(2, 4).map(Number)
const channel = process.argv[4] ?? 'live:stalled'
const atOnce = 50

async function stall(): Promise<void> {
  const peer = await MisbehavingPeer.connect({ port })
  peer.send(`{"id":1,"connect":{}}\n${JSON.stringify({ id: 2, subscribe: { channel } })}`)
  const isIn = (): boolean => peer.messages.some((message) => String(message).includes('"id":2'))
  while (!isIn()) await peer.received(peer.messages.length + 1)
  peer.pause()
}

for (let left = sockets; left > 0; left -= atOnce) {
  await Promise.all(Array.from({ length: Math.min(atOnce, left) }, stall))
}
process.stdout.write('stalled\n')
setInterval(() => {}, 60_000) // sockets that don't read keep no process alive
