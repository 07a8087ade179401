import type { UpgradeRequest } from '@natter/transport'
import { websocketWires, type Wire } from '../connection/wire.js'

export const jsonSubprotocol = 'centrifuge-json'
export const protobufSubprotocol = 'centrifuge-protobuf'

/** [2.1] Which encoding a WebSocket is to speak: the subprotocol's, or what the query asks for; else JSON. */
export function wireOf({ query, subprotocols }: Pick<UpgradeRequest, 'query' | 'subprotocols'>): Wire {
  if (subprotocols.includes(protobufSubprotocol)) return websocketWires.protobuf
  const parameters = new URLSearchParams(query)
  const isAsked = parameters.get('format') === 'protobuf' || parameters.get('cf_protocol') === 'protobuf'
  return isAsked ? websocketWires.protobuf : websocketWires.json
}
