import { defineMetrics } from '@natter/observability'

export const messengerMetrics = defineMetrics({
  sessions: {
    type: 'counter',
    name: 'natter_messenger_sessions_total',
    help: 'Requests for a session by outcome: opened, or the code of the refusal.',
    labels: ['outcome'],
  },
})
