/** What backends read of a channel. */
import { Errors, type ClientInfo, type Publication } from '@natter/protocol'
import { z } from 'zod'
import { demand, demandChannel } from '../../api/checks.js'
import { RefusedError } from '../../api/refusal.js'
import { RawJson } from '../json.js'
import { defineMethod } from '../method.js'
import { channel, clientInfo, offset, position } from '../shapes.js'

export const presence = defineMethod({
  summary: 'Who is in a channel, by the id of the connection.',
  params: z.object({ channel }),
  result: z.object({ presence: z.record(z.string(), clientInfo) }),
  handle: async ({ services }, params) => {
    demandChannel(services, 'presence', params.channel)
    const members = await services.presence.members(params.channel)
    const infos = [...members].map(([client, info]) => [client, shownInfo(info)])
    return { presence: Object.fromEntries(infos) as object }
  },
})

export const presenceStats = defineMethod({
  summary: 'How many connections and users are in a channel.',
  params: z.object({ channel }),
  result: z.object({ num_clients: z.int().min(0), num_users: z.int().min(0) }),
  handle: async ({ services }, params) => {
    demandChannel(services, 'presence', params.channel)
    const members = await services.presence.members(params.channel)
    const users = new Set([...members.values()].map(({ user }) => user))
    return { num_clients: members.size, num_users: users.size }
  },
})

export const history = defineMethod({
  summary: 'What a channel keeps: a page of it, and where it ends.',
  params: z.object({
    channel,
    limit: z
      .int()
      .optional()
      .describe('Publications; 0 or absent = only the position, below 0 = as many as a page holds.'),
    since: position.optional().describe('Behind this position; with `reverse`, before it.'),
    reverse: z.boolean().optional().describe('Newest first.'),
  }),
  result: z.object({
    publications: z.array(
      z.object({
        data: z.unknown().optional(),
        b64data: z.string().optional().describe('In place of `data`, where that is no JSON.'),
        info: clientInfo.optional(),
        offset: offset.optional(),
        tags: z.record(z.string(), z.string()).optional(),
      }),
    ),
    offset,
    epoch: z.string(),
  }),
  handle: async ({ services }, { channel: name, limit = 0, since, reverse = false }) => {
    const namespace = demandChannel(services, 'history', name)
    const at = since && { offset: since.offset ?? 0, epoch: since.epoch ?? '' }
    demand(!(reverse && at?.offset === 0), 'bad request: nothing lies before the offset 0')
    const most = services.options.client.historyPage
    const page = limit < 0 || limit > most ? most : limit
    const query = { limit: page, isReverse: reverse, ...(at === undefined ? {} : { since: at }) }
    const found = await services.history.read(name, namespace, query)
    if (found === 'other-epoch') throw new RefusedError(Errors.unrecoverablePosition)
    const { publications, offset: newest, epoch } = found
    return { publications: publications.map(shown), offset: newest, epoch }
  },
})

function shown({ data, info, offset: at, tags }: Publication): object {
  const json = RawJson.of(data)
  return {
    ...(json === undefined ? { b64data: Buffer.from(data).toString('base64') } : { data: json }),
    info: info && shownInfo(info),
    offset: at,
    tags,
  }
}

/** What isn't JSON is left out. */
const shownInfo = ({ user, client, connInfo, chanInfo }: ClientInfo): object => ({
  user,
  client,
  conn_info: RawJson.of(connInfo),
  chan_info: RawJson.of(chanInfo),
})
