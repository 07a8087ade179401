/**
 * Honest clients in a process of their own: `round-trips.ts port clients seconds`. Each publishes every 50 ms and waits for
 * its answer. Prints the times as one JSON line: `{count, missing, p50, p99, max}`, in ms.
 */
import { WebSocket } from 'ws'

const [port = 0, clients = 20, seconds = 5] = process.argv.slice(2, 5).map(Number)
const everyMs = 50

const timesMs: number[] = []
let missing = 0

function run(n: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/connection/websocket`, { perMessageDeflate: false })
  const sentAt = new Map<number, number>()
  let id = 1
  const publish = (): void => {
    id += 1
    sentAt.set(id, performance.now())
    socket.send(JSON.stringify({ id, publish: { channel: `hello:honest-${n}`, data: { id } } }))
  }
  const answered = (reply: { id?: number; publish?: object }): void => {
    const at = sentAt.get(reply.id ?? 0)
    if (at === undefined) return
    sentAt.delete(reply.id ?? 0)
    if (reply.publish === undefined) missing += 1
    else timesMs.push(performance.now() - at)
  }
  socket.on('open', () => socket.send('{"id":1,"connect":{}}'))
  socket.on('error', () => {})
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setInterval> | undefined
    socket.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) {
        if (line === '{}') socket.send('{}')
        else answered(JSON.parse(line) as { id?: number; publish?: object })
      }
      timer ??= setInterval(publish, everyMs)
    })
    socket.on('close', () => clearInterval(timer))
    setTimeout(() => clearInterval(timer), seconds * 1_000)
    setTimeout(
      () => {
        missing += sentAt.size
        socket.terminate()
        resolve()
      },
      (seconds + 5) * 1_000, // as long as an SDK waits
    )
  })
}

await Promise.all(Array.from({ length: clients }, (_, n) => run(n)))
timesMs.sort((a, b) => a - b)
const at = (share: number): number =>
  Math.round((timesMs[Math.floor(timesMs.length * share)] ?? Number.NaN) * 10) / 10
const times = { count: timesMs.length, missing, p50: at(0.5), p99: at(0.99), max: at(0.999_999) }
process.stdout.write(`${JSON.stringify(times)}\n`)
