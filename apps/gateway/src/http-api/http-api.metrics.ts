import { defineMetrics } from '@natter/observability'

export const httpApiMetrics = defineMetrics({
  httpApiCommands: {
    type: 'counter',
    name: 'natter_gateway_http_api_commands_total',
    help: 'Commands of the HTTP API by method and by the code of their error, 0 = done. Those of batches are counted one by one too.',
    labels: ['method', 'code'],
  },
  httpApiRefused: {
    type: 'counter',
    name: 'natter_gateway_http_api_refused_total',
    help: 'Requests to the HTTP API that were not looked at, by why: unauthorized, wrong-verb, unknown-method, malformed, busy.',
    labels: ['reason'],
  },
})
