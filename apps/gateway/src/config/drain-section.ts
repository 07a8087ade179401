import { defineSection, duration } from '@natter/config'
import { z } from 'zod'

export const drainSection = defineSection(
  'drain',
  'How a gateway that is asked to end sends its clients away.',
  {
    delay: {
      schema: duration(),
      default: '0s',
      example: '5s',
      doc: 'How long new clients are still let in after the signal, while /health/ready says no: as long as a balancer takes to notice.',
      shown: true,
    },
    rate: {
      schema: z.int().min(1),
      default: 5_000,
      example: '1000',
      doc: 'Connections that are told to go in a second; what the other gateways can take. Faster where drain.deadline leaves no time.',
      shown: true,
    },
    deadline: {
      schema: duration({ minMs: 1_000 }),
      default: '4.5s',
      example: '58s',
      doc: 'From the signal to the end of the process at the latest. Less than what asks for the end waits before it kills.',
      shown: true,
    },
  },
)
