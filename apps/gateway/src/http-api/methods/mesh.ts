/** What is asked of all gateways: who and what is there. */
import { Errors } from '@natter/protocol'
import { z } from 'zod'
import { SilentPeersError, RefusedError } from '../../api/refusal.js'
import { compileGlob, maxPatternLength } from '../glob.js'
import { RawJson } from '../json.js'
import { defineMethod, type ApiContext } from '../method.js'
import type { Answers } from '../survey.js'

export const channels = defineMethod({
  summary: 'Channels that have subscribers, on all gateways.',
  params: z.object({
    pattern: z
      .string()
      .max(maxPatternLength)
      .optional()
      .describe(
        'Their names: * is any run of characters, ? one, [a-z] one of these, {a,b} either. Absent: all.',
      ),
  }),
  result: z.object({ channels: z.record(z.string(), z.object({ num_clients: z.int().min(1) })) }),
  handle: async (context, { pattern = '' }) => {
    compileGlob(pattern) // nobody is asked about one that is none
    const parts = await allOf(context, { kind: 'channels', pattern })
    if (parts.some(({ isCut }) => isCut))
      throw new RefusedError(
        Errors.limitExceeded,
        'Too many channels for one answer: give a narrower pattern',
      )
    const counts = new Map<string, number>()
    for (const { items } of parts)
      for (const { channel, clients } of items) counts.set(channel, (counts.get(channel) ?? 0) + clients)
    const shown = [...counts].map(([name, count]) => [name, { num_clients: count }])
    return { channels: Object.fromEntries(shown) as object }
  },
})

const count = () => z.int().min(0)

export const info = defineMethod({
  summary: 'The gateways that are there.',
  params: z.object({}),
  result: z.object({
    nodes: z.array(
      z.object({
        uid: z.string(),
        name: z.string(),
        version: z.string(),
        num_clients: count(),
        num_users: count().describe('Without the anonymous one.'),
        num_subs: count(),
        num_channels: count(),
        uptime: count().describe('Seconds.'),
        process: z.object({
          cpu: z.number().describe('Percent of a core since it was asked before.'),
          rss: count().describe('Bytes.'),
        }),
      }),
    ),
  }),
  /** Who doesn't answer in time is left out: whoever asks wants to know who is there. */
  handle: async ({ survey }) => {
    const { answers } = await survey.ask({ kind: 'info' })
    const nodes = answers.flatMap(({ items }) => items)
    return { nodes: nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  },
})

export const connections = defineMethod({
  summary: 'The connections of a user, on all gateways, by their ids.',
  params: z.object({ user: z.string().min(1).describe('The id of a user.') }),
  result: z.object({
    connections: z.record(
      z.string(),
      z.object({
        app_name: z.string(),
        app_version: z.string(),
        transport: z.string(),
        protocol: z.string(),
        user: z.string(),
        state: z.object({
          channels: z.record(z.string(), z.object({})),
          meta: z.unknown().optional(),
        }),
        connected_at_ms: count(),
      }),
    ),
  }),
  handle: async (context, { user }) => {
    const parts = await allOf(context, { kind: 'connections', user })
    const shown = parts.flatMap(({ items }) =>
      items.map(({ client, app, transport, protocol, channels: names, metaJson, connectedAtMs }) => [
        client,
        {
          app_name: app.name,
          app_version: app.version,
          transport,
          protocol,
          user,
          state: {
            channels: Object.fromEntries(names.map((name) => [name, {}])),
            meta: metaJson === undefined ? undefined : new RawJson(metaJson),
          },
          connected_at_ms: connectedAtMs,
        },
      ]),
    )
    return { connections: Object.fromEntries(shown) as object }
  },
})

/** @throws SilentPeersError where one didn't answer: what it holds would be missing. */
async function allOf<K extends keyof Answers>(
  { survey }: ApiContext,
  question: Extract<Parameters<ApiContext['survey']['ask']>[0], { kind: K }>,
): Promise<readonly { items: Answers[K]; isCut: boolean }[]> {
  const { answers, silent } = await survey.ask<K>(question)
  if (silent.length > 0) throw new SilentPeersError(`No answer from ${silent.join(', ')} in time`)
  return answers
}
