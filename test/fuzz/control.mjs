/** Preloaded into the gateway: a door on loopback that collects all garbage and says what memory is left. Needs --expose-gc. */
import { createServer } from 'node:http'

const rounds = 4

const collected = async () => {
  for (let round = 0; round < rounds; round += 1) {
    globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage()
}

const server = createServer((_request, response) => {
  void collected().then((memory) => response.end(JSON.stringify(memory)))
})
server.listen(Number(process.env['FUZZ_CONTROL_PORT']), '127.0.0.1')
server.unref()
