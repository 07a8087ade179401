import { defineMetrics } from '@natter/observability'

/** What the supervisor counts about the processes it keeps running. */
export const meshMetrics = defineMetrics({
  restarts: {
    type: 'counter',
    name: 'natter_supervisor_restarts_total',
    help: 'Restarts of a process that ended by itself or was killed.',
    labels: ['process'],
  },
  up: {
    type: 'gauge',
    name: 'natter_supervisor_process_up',
    help: '1 while the process is ready, else 0.',
    labels: ['process'],
  },
})
