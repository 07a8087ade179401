import { afterEach, describe, expect, it } from '@jest/globals'
import { connect } from 'node:net'
import { createUwsServer, type Socket, type SocketServer } from '../src/index.js'

/** As it stands on the wire: clients of Node overlook a broken end, Chromium drops with it what it had not read yet. */
describe('uws: the end of a stream', () => {
  let server: SocketServer<undefined> | undefined

  afterEach(() => server?.close())

  it('is the end of its last chunk and nothing else, so that a browser still reads the farewell', async () => {
    let opened: (socket: Socket<undefined>) => void = () => {}
    const socket = new Promise<Socket<undefined>>((resolve) => {
      opened = resolve
    })
    server = createUwsServer<undefined>(
      { host: '127.0.0.1', port: 0 },
      {
        onUpgrade: () => ({ accept: true }),
        onRequest: () => ({
          is: 'body',
          tooLong: { status: 413, body: 'too long' },
          decide: (message) => ({
            is: 'stream',
            stream: { framing: 'lines', headers: {}, message, isBinary: false, farewell: () => 'farewell' },
          }),
        }),
        onOpen: (one) => opened(one),
        onMessage: () => {},
        onDrain: () => {},
        onClose: () => {},
      },
    )
    const client = connect(await server.listen(), '127.0.0.1')
    let text = ''
    client.on('data', (bytes: Buffer) => {
      text += bytes.toString()
    })
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    const stream = await socket
    stream.send('first')
    stream.end(3011, 'go')
    await new Promise<void>((resolve) => {
      const look = (): void =>
        text.includes('farewell') && text.endsWith('0\r\n\r\n') ? resolve() : undefined
      client.on('data', look)
      look()
    })
    client.destroy()
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    expect(chunksOf(body).join('')).toBe('first\nfarewell\n')
  })
})

/** As strictly as browsers read them. */
function chunksOf(body: string): string[] {
  const chunks: string[] = []
  let rest = body
  for (;;) {
    const [, digits = '', after = ''] = /^([0-9a-f]+)\r\n([\s\S]*)$/i.exec(rest) ?? []
    const length = Number.parseInt(digits, 16)
    if (Number.isNaN(length) || after.slice(length, length + 2) !== '\r\n')
      throw new Error(`no chunk: ${JSON.stringify(rest)}`)
    if (length === 0) return chunks
    chunks.push(after.slice(0, length))
    rest = after.slice(length + 2)
  }
}
