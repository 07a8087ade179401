import { defineMetrics } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import { limitOfClose, type LimitName } from './limit-name.js'

export const limitMetrics = defineMetrics({
  limited: {
    type: 'counter',
    name: 'natter_gateway_limited_total',
    help: 'How often somebody wanted more than may be, by the limit: docs/protocol.md 20 lists them.',
    labels: ['limit'],
  },
  maxConnections: {
    type: 'gauge',
    name: 'natter_gateway_max_connections',
    help: 'Connections that this node takes: gateway.max_connections, or fewer where the descriptors have no room for so many.',
  },
  descriptors: {
    type: 'gauge',
    name: 'natter_gateway_descriptors',
    help: 'Descriptors of the process that are in use: connections, other sockets and files. -1 = the system does not tell.',
  },
  maxDescriptors: {
    type: 'gauge',
    name: 'natter_gateway_max_descriptors',
    help: 'Descriptors that the process may have. -1 = the system does not tell.',
  },
})

const ofRefusal: Partial<Record<GatewayEvents['connection:refuse']['reason'], LimitName>> = {
  limit: 'connections',
  rate: 'connection-rate',
  descriptors: 'descriptors',
}

/** What is said in other words already is counted from those. */
export function onLimits(events: TypedEvents<GatewayEvents>, count: (limit: LimitName) => void): void {
  const counted = (limit: LimitName | undefined): void => {
    if (limit !== undefined) count(limit)
  }
  events.on('limit:exceeded', ({ limit }) => count(limit))
  events.on('connection:refuse', ({ reason }) => counted(ofRefusal[reason]))
  events.on('connection:close', ({ code, reason }) => counted(limitOfClose(code, reason)))
  events.on('command:error', ({ code }) => counted(code === 106 ? 'channels' : undefined))
  events.on('token:invalid', ({ reason }) => counted(reason === 'too-long' ? 'token-size' : undefined))
}
