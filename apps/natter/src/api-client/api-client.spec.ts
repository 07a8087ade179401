import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { callApi, type ApiAccess, type Method } from './api-client.js'

const read: Method<{ n: number }> = { name: 'read', result: z.object({ n: z.number() }), isChange: false }
const change: Method<{ n: number }> = { ...read, name: 'change', isChange: true }

interface Asked {
  url: string
  headers: IncomingHttpHeaders
  body: string
}

let server: Server | undefined
const asked: Asked[] = []

/** An API that answers this; `hang`: never. */
async function answering(status: number, body: string, headers = {}): Promise<ApiAccess> {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += String(chunk)))
    request.on('end', () => {
      asked.push({ url: request.url ?? '', headers: request.headers, body: text })
      if (body !== 'hang') response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/api`, key: 'the-key', timeoutMs: 5_000 }
}

const failure = (
  access: ApiAccess,
  method = read,
): Promise<{ code: string; message: string; name: string }> =>
  callApi(access, method, '{}').then(
    () => Promise.reject(new Error('it was done')),
    (error: { code: string; message: string; name: string }) => error,
  )

afterEach(async () => {
  asked.length = 0
  server?.closeAllConnections()
  await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)))
  server = undefined
})

describe('a question to the server API', () => {
  it('is a POST with the key, and its text as it is', async () => {
    const access = await answering(200, '{"result":{"n":7,"more":1}}')
    expect(await callApi(access, read, '{"data":12345678901234567890}')).toEqual({ n: 7 })
    expect(asked).toEqual([
      {
        url: '/api/read',
        headers: expect.objectContaining({ 'x-api-key': 'the-key', 'content-type': 'application/json' }),
        body: '{"data":12345678901234567890}',
      },
    ])
  })

  it('says whether there was no key or a wrong one, and never which', async () => {
    const access = await answering(401, '')
    const wrong = await failure(access)
    expect(wrong).toMatchObject({ name: 'DeniedError', code: 'api-key-refused' })
    expect(wrong.message).toContain('does not take this key')
    expect(wrong.message).not.toContain('the-key')
    const { key, ...without } = access
    expect(key).toBe('the-key')
    expect((await failure(without)).message).toContain('none was given')
  })

  it.each([
    [404, 'not found'],
    [302, ''],
    [200, '<html>'],
    [200, '{"result":{"n":"seven"}}'],
    [405, ''],
  ])('knows that %i with %j is no server API', async (status, body) => {
    const access = await answering(status, body, { location: 'http://127.0.0.1:1/api/read' })
    expect(await failure(access)).toMatchObject({ name: 'InvalidError', code: 'no-api-there' })
    expect(asked).toHaveLength(1) // nobody else was shown the key
  })

  it.each([
    [200, '{"error":{"code":108,"message":"not available"}}'],
    [400, '{"code":108,"message":"not available"}'],
  ])('understands an error told with status %i, in the answer or as all of it', async (status, body) => {
    const error = await failure(await answering(status, body))
    expect(error).toMatchObject({ code: 'api-refused', number: 108 })
    expect(error.message).toContain('read: not available (108): that is off in the channel’s namespace')
  })

  it('tells what can be repeated from what may have been done', async () => {
    const away = await answering(
      200,
      '{"error":{"code":100,"message":"internal server error","temporary":true}}',
    )
    expect(await failure(away)).toMatchObject({ name: 'UnavailableError', code: 'api-unavailable' })
    expect(await failure(away, change)).toMatchObject({ name: 'UnknownOutcomeError', code: 'api-no-answer' })
  })

  it('gives up after its time: a read may be repeated, a change may have been made', async () => {
    const access = { ...(await answering(200, 'hang')), timeoutMs: 30 }
    expect(await failure(access)).toMatchObject({ name: 'UnavailableError', code: 'api-unreachable' })
    const error = await failure(access, change)
    expect(error).toMatchObject({ name: 'UnknownOutcomeError', code: 'api-no-answer' })
    expect(error.message).toContain('--idempotency-key')
  })

  it('names the address where nobody listens, without what it hides', async () => {
    const { url } = await answering(200, '')
    await new Promise((resolve) => server?.close(resolve))
    server = undefined
    const hidden = url.replace('http://', 'http://127.0.0.1:1@').replace('/api', '/api?x=secret')
    for (const method of [read, change]) {
      const error = await failure({ url, timeoutMs: 1_000 }, method)
      expect(error).toMatchObject({ name: 'UnavailableError', code: 'api-unreachable' })
      expect(error.message).toContain(`Nobody listens at ${url}`)
    }
    expect((await failure({ url: hidden, timeoutMs: 1_000 })).message).not.toContain('secret')
  })

  it('shows what the API says of a request that it can’t read', async () => {
    const error = await failure(await answering(413, 'too long\n'))
    expect(error).toMatchObject({ code: 'api-request-refused' })
    expect(error.message).toBe('The API takes no such request (413): too long')
  })
})
