import { z } from 'zod'
import { defineSection } from '../section.js'
import { port } from '../values/port.js'

export const opsSection = defineSection('ops', 'The private port of this process: /health and /metrics.', {
  host: {
    schema: z.string().min(1),
    default: '127.0.0.1',
    example: '0.0.0.0',
    doc: 'The address to listen on. Keep it private: there is no password.',
    shown: true,
  },
  port: {
    schema: port(),
    default: 0,
    example: '8011',
    doc: 'The port to listen on; 0 takes any free one, and the log says which.',
    shown: true,
  },
})
