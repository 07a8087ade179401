import type { HookCaller, HookCallerEvents } from '@natter/hooks'
import { defineMetrics, observe, type Metrics } from '@natter/observability'
import type { TypedEvents } from '@natter/primitives'

/** What apps cost the clients of a gateway. Labels are few and known: kinds of hooks, and the names of apps. */
export const hookMetrics = defineMetrics({
  hooks: {
    type: 'counter',
    name: 'natter_gateway_hooks_total',
    help: 'Questions to apps by what came of them. absent = no instance was there, busy = too many in flight.',
    labels: ['kind', 'outcome'],
  },
  seconds: {
    type: 'histogram',
    name: 'natter_gateway_hook_seconds',
    help: 'How long a client waited for an app, whatever the answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    labels: ['kind'],
  },
  inFlight: {
    type: 'gauge',
    name: 'natter_gateway_hooks_in_flight',
    help: 'Questions that wait for an app.',
  },
  timeouts: {
    type: 'counter',
    name: 'natter_gateway_hook_timeouts_total',
    help: 'Instances that did not answer in time; another may have.',
    labels: ['app', 'kind'],
  },
  instances: {
    type: 'gauge',
    name: 'natter_gateway_app_instances',
    help: 'Instances of apps that are heard. state out = left out after timeouts.',
    labels: ['app', 'state'],
  },
  told: {
    type: 'counter',
    name: 'natter_gateway_app_events_total',
    help: 'Events for apps: told, or dropped and why.',
    labels: ['app', 'kind', 'outcome'],
  },
})

type Gauges = Pick<HookCaller, 'pending' | 'instances'>

export function meterHooks(metrics: Metrics, hooks: Gauges, events: TypedEvents<HookCallerEvents>): void {
  const handles = metrics.register(hookMetrics, {
    inFlight: () => hooks.pending,
    instances: () => countInstances(hooks.instances),
  })
  observe(events, {
    'hook:answer': ({ kind, outcome, tookMs }) => {
      handles.hooks.add({ kind, outcome })
      handles.seconds.observe({ kind }, tookMs / 1000)
    },
    'hook:timeout': ({ app, kind }) => handles.timeouts.add({ app, kind }),
    'event:told': ({ app, kind }) => handles.told.add({ app, kind, outcome: 'told' }),
    'event:drop': ({ app, kind, reason }) => handles.told.add({ app, kind, outcome: reason }),
  })
}

function countInstances(instances: Gauges['instances']) {
  const counts = new Map<string, { labels: { app: string; state: string }; value: number }>()
  for (const { app, isOut } of instances) {
    const state = isOut ? 'out' : 'there'
    const count = counts.get(`${app} ${state}`) ?? { labels: { app, state }, value: 0 }
    count.value += 1
    counts.set(`${app} ${state}`, count)
  }
  return [...counts.values()]
}
