import { describe, expect, it } from '@jest/globals'
import { TypedEvents } from '@natter/primitives'
import type { UpgradeRequest } from '@natter/transport'
import type { GatewayEvents } from '../gateway.events.js'
import type { NoRoom } from '../limits/node-limits.js'
import { Upgrade } from './upgrade.js'

function start(noRoom?: NoRoom) {
  const events = new TypedEvents<GatewayEvents>()
  const refused: string[] = []
  events.on('connection:refuse', ({ reason }) => refused.push(reason))
  const options = { client: { allowedOrigins: ['https://*.example.com'] } }
  const upgrade = new Upgrade(
    () => options,
    () => noRoom,
    events,
  )
  const decide = (request: Partial<UpgradeRequest> = {}) =>
    upgrade.decide({
      path: '/connection/websocket',
      query: '',
      headers: {},
      remoteAddress: '127.0.0.1',
      subprotocols: [],
      ...request,
    })
  return { decide, refused, close: () => upgrade.close() }
}

describe('an upgrade', () => {
  it('is let in on our path, with an allowed origin or none, below the limit', () => {
    const { decide, refused } = start()
    expect(decide()).toEqual({ accept: true })
    expect(decide({ headers: { origin: 'https://app.example.com' } })).toEqual({ accept: true })
    expect(refused).toEqual([])
  })

  it.each([
    '/',
    '/connection',
    '/connection/websocket/',
    '/connection/websocketx',
    '/x/connection/websocket',
  ])('is not found at %s: nothing else is served here', (path) => {
    const { decide, refused } = start()
    expect(decide({ path })).toMatchObject({ accept: false, status: 404 })
    expect(refused).toEqual(['path'])
  })

  it('is refused on a connection that was accepted before its gateway began to send clients away, with the advice to go elsewhere', () => {
    const { decide, refused, close } = start()
    close()
    expect(decide()).toMatchObject({ accept: false, status: 503, headers: { 'retry-after': '1' } })
    expect(refused).toEqual(['draining'])
  })

  it('is forbidden to pages of other origins, because a browser would lend them its user', () => {
    const { decide, refused } = start()
    for (const origin of ['https://example.com', 'https://app.example.com.evil.org', 'null', '']) {
      expect(decide({ headers: { origin } })).toMatchObject({ accept: false, status: 403 })
    }
    expect(refused).toEqual(Array(4).fill('origin'))
  })

  it('[1.1] echoes the subprotocol of the encoding that it will speak, Protobuf where both are offered', () => {
    const { decide } = start()
    const protobuf = { accept: true, subprotocol: 'centrifuge-protobuf' }
    expect(decide({ subprotocols: ['centrifuge-protobuf'] })).toEqual(protobuf)
    expect(decide({ subprotocols: ['centrifuge-json', 'centrifuge-protobuf'] })).toEqual(protobuf)
  })

  it('speaks JSON when asked for it by name, and chooses no subprotocol that was not offered', () => {
    const { decide } = start()
    expect(decide({ subprotocols: ['other', 'centrifuge-json'] })).toEqual({
      accept: true,
      subprotocol: 'centrifuge-json',
    })
    expect(decide({ subprotocols: ['other'] })).toEqual({ accept: true })
    expect(decide({ query: 'format=json&cf_protocol=json' })).toEqual({ accept: true })
  })

  it('[16.1] speaks JSON with who only listens, and chooses no Protobuf, which it would not speak', () => {
    const { decide } = start()
    const path = '/connection/uni_websocket'
    expect(decide({ path, subprotocols: ['centrifuge-protobuf'] })).toEqual({ accept: true })
    expect(decide({ path, subprotocols: ['centrifuge-protobuf', 'centrifuge-json'] })).toEqual({
      accept: true,
      subprotocol: 'centrifuge-json',
    })
  })

  it.each(['limit', 'rate', 'descriptors'] as const)(
    '[20.18] is told to come again, spread over seconds, where there is no room (%s): another gateway may have some',
    (why) => {
      const { decide, refused } = start(why)
      const answers = Array.from({ length: 60 }, () => decide())
      expect(answers[0]).toMatchObject({ accept: false, status: 503 })
      const waits = new Set(answers.map((answer) => 'headers' in answer && answer.headers?.['retry-after']))
      expect([...waits].toSorted()).toEqual(['1', '2', '3', '4', '5'])
      expect(new Set(refused)).toEqual(new Set([why]))
    },
  )

  it('says nothing of how full the node is to whoever may not come in anyway', () => {
    const { decide, refused } = start('limit')
    decide({ path: '/' })
    decide({ headers: { origin: 'https://evil.org' } })
    expect(refused).toEqual(['path', 'origin'])
  })
})
