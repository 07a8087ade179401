import type { ClientInfo } from '@natter/protocol'
import { inTime } from '../command-deadline.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { demandFromApp } from './question.js'

/** `presence` [9]: everybody who is in the channel, on all gateways. */
export async function presenceCommand(
  services: Services,
  connection: Connection,
  id: number,
  channel: string,
): Promise<void> {
  const members = await membersOf(services, connection, channel)
  connection.reply({ id, presence: { presence: Object.fromEntries(members) } })
}

/** `presence_stats` [9]. All anonymous clients are one user. */
export async function presenceStatsCommand(
  services: Services,
  connection: Connection,
  id: number,
  channel: string,
): Promise<void> {
  const members = await membersOf(services, connection, channel)
  const users = new Set([...members.values()].map((info) => info.user))
  connection.reply({ id, presence_stats: { num_clients: members.size, num_users: users.size } })
}

function membersOf(
  services: Services,
  connection: Connection,
  channel: string,
): Promise<Map<string, ClientInfo>> {
  return inTime(services.clock, async () => {
    await demandFromApp(services, connection, 'presence', channel)
    return services.presence.members(channel)
  })
}
