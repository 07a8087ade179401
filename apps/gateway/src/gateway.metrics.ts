import type { Broker, BrokerEvents } from '@natter/broker'
import { defineMetrics, observe, type HealthChecks, type Metrics } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import type { StreamFill } from './fullness/fullness.js'
import type { Gateway } from './gateway.js'
import type { GatewayEvents } from './gateway.events.js'
import { httpApiMetrics } from './http-api/http-api.metrics.js'
import { limitMetrics, onLimits } from './limits/limits.metrics.js'
import { Tally } from './publishing/tally.js'

/** The gateway's metrics, beside the process's own. Labels are few and known: never a channel or a user. */
export const gatewayMetrics = defineMetrics({
  connections: { type: 'gauge', name: 'natter_gateway_connections', help: 'Open client connections.' },
  ...limitMetrics,
  ...httpApiMetrics,
  connectionsByTransport: {
    type: 'gauge',
    name: 'natter_gateway_transport_connections',
    help: 'Open client connections by how they are spoken to.',
    labels: ['transport', 'encoding'],
  },
  emulation: {
    type: 'counter',
    name: 'natter_gateway_emulation_requests_total',
    help: 'Messages that clients of HTTP transports posted, by what became of them: taken, malformed, no-node, no-session, failed.',
    labels: ['outcome'],
  },
  certificateExpires: {
    type: 'gauge',
    name: 'natter_gateway_tls_certificate_expires_seconds',
    help: 'When the certificate that clients are shown expires, seconds since 1970; 0 = no TLS here.',
  },
  certificateBroken: {
    type: 'counter',
    name: 'natter_gateway_tls_broken_total',
    help: 'How often the files of certificate and key changed into no pair that can be used: the one before stayed.',
  },
  tokensInvalid: {
    type: 'counter',
    name: 'natter_gateway_tokens_invalid_total',
    help: 'Tokens that were not believed, by why: signature, algorithm, malformed, too-long, or the claim that is wrong.',
    labels: ['kind', 'reason'],
  },
  tokenKeysFailed: {
    type: 'counter',
    name: 'natter_gateway_token_keys_failed_total',
    help: 'How often the public keys for tokens could not be fetched: the ones before stayed.',
  },
  revocations: {
    type: 'gauge',
    name: 'natter_gateway_revocations',
    help: 'Revocations that this node holds: block = users, token = single tokens, before = users whose older tokens are invalid.',
    labels: ['kind'],
  },
  revocationsComplete: {
    type: 'gauge',
    name: 'natter_gateway_revocations_complete',
    help: '1 while this node knows all of them; 0 while it goes on by what it knew.',
  },
  revocationsMet: {
    type: 'counter',
    name: 'natter_gateway_revocations_met_total',
    help: 'Connections and subscriptions turned away or ended by a revocation, by where it met them.',
    labels: ['verdict', 'at'],
  },
  connects: {
    type: 'counter',
    name: 'natter_gateway_connects_total',
    help: 'Clients that said who they are and were let in.',
  },
  closes: {
    type: 'counter',
    name: 'natter_gateway_closes_total',
    help: 'Closed connections by close code.',
    labels: ['code'],
  },
  refusals: {
    type: 'counter',
    name: 'natter_gateway_upgrades_refused_total',
    help: 'Requests that did not become a connection.',
    labels: ['reason'],
  },
  subscriptions: {
    type: 'gauge',
    name: 'natter_gateway_subscriptions',
    help: 'Subscriptions of the open connections.',
  },
  channels: {
    type: 'gauge',
    name: 'natter_gateway_channels',
    help: 'Channels open on this node, those that linger included.',
  },
  publishes: {
    type: 'counter',
    name: 'natter_gateway_publishes_total',
    help: 'Publications of clients by outcome. unknown = sent to the stream, no answer in time.',
    labels: ['namespace', 'outcome'],
    maxSeries: 1_000,
  },
  publishesRefused: {
    type: 'counter',
    name: 'natter_gateway_publishes_refused_total',
    help: 'Publications that were certainly not stored or sent, by why. stream-full = no room in the stream.',
    labels: ['reason'],
  },
  streamBytes: {
    type: 'gauge',
    name: 'natter_stream_bytes',
    help: 'What a stream holds, as this node last saw it.',
    labels: ['stream'],
  },
  streamMaxBytes: {
    type: 'gauge',
    name: 'natter_stream_max_bytes',
    help: 'What a stream may hold: nats.stream_max_bytes. 0 = somebody else took its limit away.',
    labels: ['stream'],
  },
  streamFill: {
    type: 'gauge',
    name: 'natter_stream_fill_ratio',
    help: 'natter_stream_bytes by natter_stream_max_bytes. From 0.9 on a stream that refuses takes no publications.',
    labels: ['stream'],
  },
  streamStalled: {
    type: 'gauge',
    name: 'natter_stream_stalled',
    help: '1 while NATS is connected and stores nothing that this node sends to the stream: a person must look.',
    labels: ['stream'],
  },
  deliveries: {
    type: 'counter',
    name: 'natter_gateway_publications_delivered_total',
    help: 'Publications handed to the subscribers of this node, each counted once.',
  },
  recoveries: {
    type: 'counter',
    name: 'natter_gateway_recoveries_total',
    help: 'Subscriptions by what became of their position: yes = recovered, no = not, fresh = none was given.',
    labels: ['recovered'],
  },
  recovered: {
    type: 'counter',
    name: 'natter_gateway_recovered_publications_total',
    help: 'Publications in the first page of recoveries.',
  },
  heals: {
    type: 'counter',
    name: 'natter_gateway_channel_heals_total',
    help: 'Holes in a channel: asked = read from the log, the others = why a channel had to break.',
    labels: ['namespace', 'outcome'],
  },
  strays: {
    type: 'counter',
    name: 'natter_gateway_strays_dropped_total',
    help: 'Messages in durable namespaces that no stream stored: dropped.',
    labels: ['namespace'],
  },
  commandErrors: {
    type: 'counter',
    name: 'natter_gateway_command_errors_total',
    help: 'Commands answered with an error.',
    labels: ['method', 'code'],
    maxSeries: 300,
  },
  apiRequests: {
    type: 'counter',
    name: 'natter_gateway_api_requests_total',
    help: 'Requests of apps by outcome: refused = never, unavailable = certainly not done, unknown = perhaps.',
    labels: ['kind', 'outcome'],
  },
  sessionsOpen: {
    type: 'gauge',
    name: 'natter_gateway_sessions_open',
    help: 'Connections and subscriptions whose end an app wants to hear; those that ended and were not heard yet included.',
  },
  sessionsReplayed: {
    type: 'counter',
    name: 'natter_gateway_sessions_replayed_total',
    help: 'Ends of connections and subscriptions of dead gateways that this node told.',
  },
  sessionsTrouble: {
    type: 'counter',
    name: 'natter_gateway_sessions_trouble_total',
    help: 'How often sessions could not be written down or read at once.',
  },
  occupancy: {
    type: 'counter',
    name: 'natter_gateway_occupancy_told_total',
    help: 'Channels of which this node told apps that they are occupied or vacated now.',
    labels: ['namespace', 'is'],
    maxSeries: 300,
  },
  natsUp: { type: 'gauge', name: 'natter_gateway_nats_connected', help: '1 while the way to NATS is there.' },
  natsLosses: {
    type: 'counter',
    name: 'natter_gateway_nats_disconnects_total',
    help: 'How often the way to NATS was lost.',
  },
  drainPhase: {
    type: 'gauge',
    name: 'natter_gateway_drain_phase',
    help: '0 = it serves, 1 = it is about to end and still lets clients in, 2 = it sends its clients away, 3 = they are gone.',
  },
  drainConnections: {
    type: 'gauge',
    name: 'natter_gateway_drain_connections',
    help: 'Connections that a drain has still to close; 0 in all other phases.',
  },
  peers: { type: 'gauge', name: 'natter_gateway_peers', help: 'Other gateways that are heard.' },
})

/** A client may close with any number it likes; only those that mean something to us are counted apart. */
const knownCloses = new Set([
  1000,
  1001,
  1005,
  1006,
  1009,
  ...Object.values(Disconnects).map(({ code }) => code),
])

/** What is measured. */
export interface Metered {
  gateway: Gateway
  broker: Broker
  events: { gateway: TypedEvents<GatewayEvents>; broker: TypedEvents<BrokerEvents> }
}

export function meter(metrics: Metrics, { gateway, broker, events }: Metered): void {
  const tally = new Tally()
  const handles = metrics.register(gatewayMetrics, {
    publishes: () => tally.all,
    connections: () => gateway.connectionCount,
    maxConnections: () => gateway.limits.maxConnections,
    descriptors: () => gateway.limits.descriptorsInUse ?? -1,
    maxDescriptors: () => gateway.limits.maxDescriptors ?? -1,
    connectionsByTransport: () => transports(gateway),
    certificateExpires: () => Math.round((gateway.certificate?.expiresAtMs ?? 0) / 1000),
    subscriptions: () => gateway.hub.subscriptionCount,
    channels: () => gateway.channels.count,
    deliveries: () => gateway.audience.delivered,
    revocations: () =>
      Object.entries(gateway.revocations.held.sizes).map(([kind, value]) => ({ labels: { kind }, value })),
    revocationsComplete: () => (gateway.revocations.isComplete ? 1 : 0),
    natsUp: () => (broker.bus.isConnected ? 1 : 0),
    peers: () => gateway.peerCount,
    drainPhase: () => gateway.drain.phase,
    drainConnections: () => gateway.drain.leftCount,
    sessionsOpen: () => gateway.openSessions,
    streamBytes: () => fills(gateway, ({ bytes }) => bytes),
    streamMaxBytes: () => fills(gateway, ({ maxBytes }) => maxBytes),
    streamFill: () => fills(gateway, ({ share }) => share),
    streamStalled: () =>
      gateway.stalls.all.map(({ stream, isStalled }) => ({ labels: { stream }, value: Number(isStalled) })),
  })
  observe(events.gateway, {
    'connection:connect': () => handles.connects.add({}),
    'connection:close': ({ code }) => handles.closes.add({ code: knownCloses.has(code) ? code : 'other' }),
    'connection:refuse': ({ reason }) => handles.refusals.add({ reason }),
    'emulation:request': ({ outcome }) => handles.emulation.add({ outcome }),
    'tls:broken': () => handles.certificateBroken.add({}),
    'token:invalid': (token) => handles.tokensInvalid.add(token),
    'token:keys:failed': () => handles.tokenKeysFailed.add({}),
    'revocation:met': ({ verdict, at }) => handles.revocationsMet.add({ verdict, at }),
    'publication:outcome': (outcome) => tally.add(outcome),
    'publication:refused': ({ reason }) => handles.publishesRefused.add({ reason }),
    'subscription:reply': ({ recovered, messages }) => {
      handles.recoveries.add({ recovered })
      handles.recovered.add({}, messages)
    },
    'channel:heal': (labels) => handles.heals.add(labels),
    'channel:stray': (labels) => handles.strays.add(labels),
    'api:reply': ({ kind, outcome }) => handles.apiRequests.add({ kind, outcome }),
    'http-api:reply': ({ method, code }) => handles.httpApiCommands.add({ method, code }),
    'http-api:refuse': ({ reason }) => handles.httpApiRefused.add({ reason }),
    'sessions:replay': ({ ends }) => handles.sessionsReplayed.add({}, ends),
    'sessions:trouble': () => handles.sessionsTrouble.add({}),
    'channel:occupancy': (labels) => handles.occupancy.add(labels),
    'command:error': ({ method, code }) => handles.commandErrors.add({ method, code }),
  })
  onLimits(events.gateway, (limit) => handles.limited.add({ limit }))
  observe(events.broker, { 'broker:disconnect': () => handles.natsLosses.add({}) })
}

/** Several wires may look alike from here. */
function transports({ connectionsByWire }: Gateway) {
  const byLabels = new Map<string, { labels: { transport: string; encoding: string }; value: number }>()
  for (const [{ transport, codec }, count] of connectionsByWire) {
    const key = `${transport} ${codec.encoding}`
    const { value } = byLabels.get(key) ?? { value: 0 }
    byLabels.set(key, { labels: { transport, encoding: codec.encoding }, value: value + count })
  }
  return [...byLabels.values()]
}

function fills({ fullness }: Gateway, valueOf: (fill: StreamFill) => number) {
  return fullness.fills.map((fill) => ({ labels: { stream: fill.stream }, value: valueOf(fill) }))
}

/** A full stream is no reason: another node can't take more, and a restart doesn't help. Not healthy while NATS is away: clients stay, but new ones are better off elsewhere. */
export function checkHealth(
  checks: HealthChecks,
  { broker, gateway }: { broker: Broker; gateway: Pick<Gateway, 'stalls'> },
): void {
  checks.add('nats', () => {
    if (!broker.bus.isConnected) return 'NATS is away: durable publishes are refused.'
    return broker.bus.isAnswering ? undefined : 'NATS does not answer: durable publishes get no reply.'
  })
  // An alarm only: every gateway of this NATS sees the same, so readiness would leave a balancer without any, and clients can still
  // subscribe, read and recover. Nor is it the gateway that a restart would mend.
  checks.add('streams', () => gateway.stalls.trouble, { kind: 'alarm' })
}
