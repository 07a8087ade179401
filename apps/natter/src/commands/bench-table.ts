import type { Command } from '../cli/command.js'
import { count, defaulted, duration, flag, many, socketAddress, text } from '../cli/values.js'
import { config, data } from './flags.js'

export const gatewayUrl = many(
  'url',
  socketAddress(),
  'A gateway, as clients reach it; several times for several (else the mesh of this machine)',
)
export const channel = flag(
  'channel',
  text('<name>'),
  'The channel (else one of its own in the namespace live)',
)
export const clients = defaulted('clients', count({ min: 1, max: 2_000 }), '50', 'Subscribers')
export const rate = defaulted('rate', count({ min: 1, max: 5_000 }), '20', 'Publications a second')
export const lasts = defaulted(
  'duration',
  duration({ minMs: 100, maxMs: 300_000 }),
  '5s',
  'How long it publishes',
)
export const size = defaulted('size', count({ min: 32, max: 60_000 }), '128', 'Bytes of each publication')
export const user = flag(
  'user',
  text('<id>'),
  'Connect with a token of this user, signed with the secret of the settings',
)

export const benchCommands = {
  bench: {
    summary: 'A small load on a running mesh: what arrives, and how soon',
    about: [
      'Connects subscribers and one publisher, publishes at a rate, and tells how many publications arrived and the time from publishing to receiving each. All runs in this one process: it measures the mesh as this machine sees it, this process’s own work included. It stops by itself, and ends with 1 if something published was not received by all.',
    ],
    flags: [gatewayUrl, channel, clients, rate, lasts, size, user, config, data],
    examples: [
      { line: 'bench', doc: 'the mesh that npm start runs here' },
      {
        line: 'bench --url wss://mesh.example.com/connection/websocket --user load --channel chat:load',
        doc: '',
      },
    ],
  },
} as const satisfies Record<string, Command>
