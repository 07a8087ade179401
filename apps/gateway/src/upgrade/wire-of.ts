import type { UpgradeRequest } from '@natter/transport'
import { websocketWires, type Wire } from '../connection/wire.js'

export const jsonSubprotocol = 'centrifuge-json'
export const protobufSubprotocol = 'centrifuge-protobuf'

export const websocketPath = '/connection/websocket'
export const uniWebsocketPath = '/connection/uni_websocket'

/** [2.1] How a WebSocket is to be spoken to: the subprotocol's encoding, or what the query asks for; else JSON. */
export function wireOf({
  path,
  query,
  subprotocols,
}: Pick<UpgradeRequest, 'path' | 'query' | 'subprotocols'>): Wire {
  if (path === uniWebsocketPath) return websocketWires.uni
  const parameters = new URLSearchParams(query)
  const isProtobuf =
    subprotocols.includes(protobufSubprotocol) ||
    parameters.get('format') === 'protobuf' ||
    parameters.get('cf_protocol') === 'protobuf'
  if (parameters.get('cf_ws_frame_ping_pong') === 'true') {
    return isProtobuf ? websocketWires.protobufFramePings : websocketWires.jsonFramePings
  }
  return isProtobuf ? websocketWires.protobuf : websocketWires.json
}
