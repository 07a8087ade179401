/**
 * What is done to the connections of a user, wherever they are. Answered when this gateway has done its part and the others have been asked;
 * they are not waited for.
 */
import type { SubscriptionOverride } from '@natter/auth'
import { Disconnects, Errors, isJson, Unsubscribes, type Bytes } from '@natter/protocol'
import { z } from 'zod'
import { demand, demandChannel } from '../../api/checks.js'
import { RefusedError } from '../../api/refusal.js'
import { checkUserRequest, type Narrowing, type UserRequest } from '../../api/user-requests.js'
import { sessionKeyOf } from '../../emulation/emulation.js'
import { defineMethod, json, type ApiContext, type RawMembers } from '../method.js'
import { channel, connections, expireAt, nothing, position } from '../shapes.js'

const flag = z.object({ value: z.boolean().optional() }).optional()

const override = z.object({
  presence: flag,
  join_leave: flag,
  force_push_join_leave: flag,
  force_recovery: flag,
  force_positioning: flag,
})

export const subscribe = defineMethod({
  summary: 'Subscribes the connections of a user to a channel.',
  params: z.object({
    ...connections,
    channel,
    info: json('Shown to others in the channel as chan_info: any JSON value.'),
    b64info: z.base64().optional().describe('The same in base64. It has to be JSON.'),
    data: json('Told to the client with the subscription: any JSON value.'),
    b64data: z.base64().optional().describe('The same as bytes, in base64.'),
    expire_at: expireAt
      .optional()
      .describe('When the subscription ends, in seconds since 1970; 0 or absent = never.'),
    override: override.optional().describe('In place of what the namespace says of it.'),
    recover_since: position.optional().describe('Not available yet: refused with 108.'),
  }),
  result: nothing,
  handle: async (context, params, raw) => {
    if (params.recover_since !== undefined)
      throw new RefusedError(Errors.notAvailable, 'not available: recover_since')
    const data = bytesOf(params.b64data, raw, 'data')
    return hand(context, {
      kind: 'subscribe',
      channel: params.channel,
      ...narrowed(params),
      options: {
        ...infoOf(bytesOf(params.b64info, raw, 'info')),
        ...endOf(params.expire_at),
      },
      ...(data === undefined ? {} : { dataBase64: Buffer.from(data).toString('base64') }),
      ...(params.override === undefined ? {} : { override: overrideOf(params.override) }),
    })
  },
})

export const unsubscribe = defineMethod({
  summary: 'Ends subscriptions of a user to a channel. Clients are told the code 2000, and stay away.',
  params: z.object({ ...connections, channel }),
  result: nothing,
  handle: (context, params) => {
    demandChannel(context.services, 'publish', params.channel)
    return hand(context, {
      kind: 'unsubscribe',
      channel: params.channel,
      ...narrowed(params),
      ...Unsubscribes.server,
    })
  },
})

export const disconnect = defineMethod({
  summary: 'Closes the connections of a user.',
  params: z.object({
    ...connections,
    whitelist: z.array(z.string()).optional().describe('Ids of connections that stay.'),
    disconnect: z
      .object({ code: z.int().min(3000).max(4999), reason: z.string().optional() })
      .optional()
      .describe(
        'Told to the client. Absent: 3503. From 3500 to 3999 and from 4500 on it stays away, else it comes back.',
      ),
  }),
  result: nothing,
  handle: (context, params) => {
    const { code, reason = '' } = params.disconnect ?? Disconnects.forceDisconnect
    const except = params.whitelist === undefined ? {} : { except: params.whitelist }
    return hand(context, { kind: 'disconnect', ...narrowed(params), ...except, code, reason })
  },
})

export const refresh = defineMethod({
  summary: 'Says anew when the connections of a user end.',
  params: z.object({
    ...connections,
    expired: z.boolean().optional().describe('They end now: clients get a new token and come back.'),
    expire_at: expireAt.optional().describe('When they end, in seconds since 1970; 0 or absent = never.'),
    info: json('Shown to others as conn_info from now on: any JSON value. Absent: as before.'),
  }),
  result: nothing,
  handle: (context, params, raw) =>
    hand(context, {
      kind: 'refresh',
      ...narrowed(params),
      isExpired: params.expired === true,
      ...endOf(params.expire_at),
      ...infoOf(raw('info')),
    }),
})

async function hand({ services, everywhere }: ApiContext, request: UserRequest): Promise<object> {
  checkUserRequest(services, request)
  await everywhere.hand(request)
  return {}
}

function narrowed({
  user,
  client,
  session,
}: {
  user: string
  client?: string | undefined
  session?: string | undefined
}): Narrowing & { user: string } {
  return {
    user,
    ...(client === undefined || client === '' ? {} : { client }),
    ...(session === undefined || session === '' ? {} : { sessionKey: sessionKeyOf(session) }),
  }
}

function bytesOf(base64: string | undefined, raw: RawMembers, name: string): Bytes | undefined {
  return base64 === undefined || base64 === '' ? raw(name) : Buffer.from(base64, 'base64')
}

function infoOf(info: Bytes | undefined): { infoJson?: string } {
  if (info === undefined) return {}
  demand(isJson(info), 'bad request: info has to be JSON')
  return { infoJson: Buffer.from(info).toString('utf8') }
}

const endOf = (seconds = 0): { expiresAtMs?: number } =>
  seconds === 0 ? {} : { expiresAtMs: seconds * 1_000 }

function overrideOf(said: z.output<typeof override>): SubscriptionOverride {
  const named = {
    presence: said.presence,
    joinLeave: said.join_leave,
    forcePushJoinLeave: said.force_push_join_leave,
    forceRecovery: said.force_recovery,
    forcePositioning: said.force_positioning,
  }
  const given = Object.entries(named).flatMap(([name, one]) =>
    one === undefined ? [] : [[name, one.value === true] as const],
  )
  return Object.fromEntries(given)
}
