import { defineMetrics, observe, type Metrics } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import type { HttpHooks } from './http-hooks.js'

/** What hooks over HTTP cost the clients of a gateway. Labels are few and known: kinds of hooks, and names in the configuration. */
export const httpHookMetrics = defineMetrics({
  hooks: {
    type: 'counter',
    name: 'natter_gateway_http_hooks_total',
    help: 'Hooks over HTTP by what came of them. failed = no answer that could be used, busy = too many in flight.',
    labels: ['hook', 'name', 'outcome'],
  },
  seconds: {
    type: 'histogram',
    name: 'natter_gateway_http_hook_seconds',
    help: 'How long a client waited for a hook over HTTP, whatever the answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    labels: ['hook', 'name'],
  },
  inFlight: {
    type: 'gauge',
    name: 'natter_gateway_http_hooks_in_flight',
    help: 'Hooks over HTTP that wait for an answer.',
  },
})

export function meterHttpHooks(
  metrics: Metrics,
  hooks: Pick<HttpHooks, 'pending'>,
  events: TypedEvents<GatewayEvents>,
): void {
  const handles = metrics.register(httpHookMetrics, { inFlight: () => hooks.pending })
  observe(events, {
    'http-hook:answer': ({ hook, name, outcome, tookMs }) => {
      handles.hooks.add({ hook, name, outcome })
      handles.seconds.observe({ hook, name }, tookMs / 1000)
    },
  })
}
