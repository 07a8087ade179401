/** What a crowd may do, be it of clients or of one user's connections. What one connection may do stands beside it, in client-section.ts. */
import { z } from 'zod'

const countOrOff = (): z.ZodInt => z.int().min(0)

export const limitSettings = {
  connection_rate_limit: {
    schema: countOrOff(),
    default: 2_000,
    example: '500',
    doc: 'New connections of this node per second, and at once; beyond them the answer is 503 with Retry-After. 0: not counted.',
    shown: true,
  },
  user_connection_limit: {
    schema: countOrOff(),
    default: 0,
    example: '5',
    doc: 'Connections of one user, over all gateways: within a second the oldest beyond them are closed with 3504. 0: any number.',
    shown: true,
  },
  user_command_rate: {
    schema: countOrOff(),
    default: 0,
    example: '200',
    doc: 'Commands per second of one user on this node, over all connections, once the burst is spent; more are answered with 111. 0: not counted.',
    shown: true,
  },
  user_command_burst: {
    schema: z.int().min(1),
    default: 10_000,
    example: '1000',
    doc: 'Commands that one user may send at once, where client.user_command_rate is set.',
    shown: true,
  },
} as const

export interface LimitValues {
  readonly connection_rate_limit: number
  readonly user_connection_limit: number
  readonly user_command_rate: number
  readonly user_command_burst: number
}

export const limitOptionsOf = (client: LimitValues) => ({
  connectionRateLimit: client.connection_rate_limit,
  userConnectionLimit: client.user_connection_limit,
  userCommandRate: client.user_command_rate,
  userCommandBurst: client.user_command_burst,
})
