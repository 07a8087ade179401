import { Errors } from '@natter/protocol'
import { z } from 'zod'
import { RefusedError } from '../../api/refusal.js'
import { defineMethod, json } from '../method.js'

/** What a server is extended by. There is nothing of the kind: rpc of clients goes to apps, and apps are asked by whoever runs them. */
export const rpc = defineMethod({
  summary: 'Calls an extension of the server by its name. There are none: 104.',
  params: z.object({
    method: z.string().min(1).describe('The name of the extension.'),
    params: json('Any JSON value.'),
  }),
  result: z.object({ data: z.unknown().optional() }),
  handle: () => Promise.reject(new RefusedError(Errors.methodNotFound)),
})
