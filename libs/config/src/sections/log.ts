import { z } from 'zod'
import { defineSection } from '../section.js'

export const logSection = defineSection('log', 'What is written to stdout, one line of JSON per fact.', {
  level: {
    schema: z.enum(['error', 'warn', 'info', 'debug']),
    default: 'info',
    example: 'debug',
    doc: 'The least important lines to write. `debug` tells of single connections.',
    shown: true,
    isReloadable: true,
  },
})
