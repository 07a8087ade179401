/** Pages of other origins: what a browser lets them read, and what it does not. */
import { describe, expect, it } from '@jest/globals'
import { WebSocket } from 'ws'
import { memoryBench } from './bench.js'
import { ask, httpOf } from './http-client.js'

const good = 'https://good.example'
const evil = 'https://evil.example'

const paths = {
  '/connection/http_stream': 'POST, OPTIONS',
  '/connection/sse': 'GET, POST, OPTIONS',
  '/connection/uni_sse': 'GET, POST, OPTIONS',
  '/connection/uni_http_stream': 'POST, OPTIONS',
  '/emulation': 'POST, OPTIONS',
  '/connection/init': 'GET, OPTIONS',
}

describe('[1] origins', () => {
  const bench = memoryBench()

  describe.each(Object.entries(paths))('%s', (path, methods) => {
    it('[1.3] answers a preflight with 204: who may ask, in which way, with which headers, for five minutes', async () => {
      const { url } = await bench.start()
      const headers = { origin: good, 'access-control-request-headers': 'content-type,x-own' }
      const answer = await ask(httpOf(url, path), { method: 'OPTIONS', headers })
      expect(answer).toMatchObject({ status: 204, text: '' })
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': good,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'content-type,x-own',
        'access-control-max-age': '300',
        vary: 'origin',
      })
    })

    it('[1.2] forbids pages of other origins, before anything is read or done', async () => {
      const node = await bench.start()
      const refused: string[] = []
      node.gateway.events.on('connection:refuse', ({ reason }) => refused.push(reason))
      for (const origin of [evil, `${good}.evil.example`, 'null', '']) {
        for (const method of ['OPTIONS', 'GET', 'POST']) {
          const answer = await ask(httpOf(node.url, path), { method, headers: { origin } })
          expect([origin, answer.status]).toEqual([origin, 403])
          expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
        }
      }
      expect(new Set(refused)).toEqual(new Set(['origin']))
      expect(node.gateway.connectionCount).toBe(0)
    })

    it('[1.3] lets a page read also why it was refused, and says nothing of origins to who is no page', async () => {
      const { url } = await bench.start()
      const asked = await ask(httpOf(url, path), { method: 'DELETE', headers: { origin: good } })
      expect(asked.status).toBe(405)
      expect(asked.headers).toMatchObject({ 'access-control-allow-origin': good, allow: methods })
      const plain = await ask(httpOf(url, path), { method: 'DELETE' })
      expect(plain.headers).not.toHaveProperty('access-control-allow-origin')
    })
  })

  it('[1.3] a stream can be read by the page that opened it', async () => {
    const { url } = await bench.start()
    const answer = await fetch(httpOf(url, '/connection/http_stream'), {
      method: 'POST',
      headers: { origin: good },
      body: '{"id":1,"connect":{}}',
    })
    expect(answer.headers.get('access-control-allow-origin')).toBe(good)
    await answer.body?.cancel()
  })

  it('[1.3] lets a page read what became of a post, and that it was too long or came to a full gateway', async () => {
    const { url } = await bench.start({ maxConnections: 0 })
    const readable = async (path: string, body: string): Promise<[number, unknown]> => {
      const { status, headers } = await ask(httpOf(url, path), {
        method: 'POST',
        headers: { origin: good },
        body,
      })
      return [status, headers['access-control-allow-origin']]
    }
    const nobody = '{"session":"s","node":"nobody","data":"{}"}'
    expect(await readable('/emulation', '{')).toEqual([400, good])
    expect(await readable('/emulation', nobody)).toEqual([404, good])
    expect(await readable('/emulation', 'x'.repeat(65_537))).toEqual([413, good])
    expect(await readable('/connection/http_stream', 'x'.repeat(65_537))).toEqual([413, good])
    expect(await readable('/connection/http_stream', '{"id":1,"connect":{}}')).toEqual([503, good])
  })

  it('[1.2] a one-way WebSocket asks for the origin like any other', async () => {
    const { url } = await bench.start()
    const at = (origin: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(url.replace('/websocket', '/uni_websocket'), { headers: { origin } })
        socket.on('error', ({ message }) => resolve(message))
        socket.on('open', () => {
          socket.terminate()
          resolve('open')
        })
      })
    expect(await at(evil)).toContain('403')
    expect(await at(good)).toBe('open')
  })

  it('[1.4] /connection/init answers {}, for balancers that hand out a cookie first', async () => {
    const { url } = await bench.start()
    expect(await ask(httpOf(url, '/connection/init'))).toMatchObject({ status: 200, text: '{}' })
  })

  it('[1.4] a WebSocket path tells a plain request what it speaks, and other paths are not found', async () => {
    const { url } = await bench.start()
    for (const [path, what] of [
      ['/connection/websocket', 'Centrifugo SDK'],
      ['/connection/uni_websocket', 'connect request'],
    ] as const)
      expect(await ask(httpOf(url, path))).toMatchObject({ status: 400, text: expect.stringContaining(what) })
    for (const path of ['/', '/connection', '/connection/sse/', '/emulation/', '/constructor', '/__proto__'])
      expect(await ask(httpOf(url, path), { method: 'POST' })).toMatchObject({
        status: 404,
        text: expect.stringContaining('/connection/websocket'),
      })
  })
})
