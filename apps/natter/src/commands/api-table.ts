/** Commands that ask the server API of a running mesh. */
import type { Command } from '../cli/command.js'
import {
  argument,
  count,
  defaulted,
  duration,
  flag,
  json,
  list,
  many,
  onOff,
  optional,
  pair,
  position,
  text,
} from '../cli/values.js'
import { api } from './flags.js'

export const channel = argument('channel', text('<channel>'), 'The channel')
export const payload = optional('data', text('<data>'), 'JSON; - or none: from standard input')
export const isText = onOff('text', 'The data is a text, not JSON')
export const isBase64 = onOff('base64', 'The data is bytes in base64')
export const tags = many('tag', pair(), 'A tag of the publication')
export const idempotencyKey = flag(
  'idempotency-key',
  text('<key>'),
  'A repeat with it within 5 minutes is not published again',
)
export const skipHistory = onOff('skip-history', 'Hand it on without keeping it')
export const delta = onOff('delta', 'Let subscribers have it as a patch')

export const limit = defaulted(
  'limit',
  count({ max: 10_000 }),
  '20',
  'At most so many; with --follow, of those that are there',
)
export const since = flag(
  'since',
  position(),
  'Only what came behind this position; with --reverse, before it',
)
export const isReverse = onOff('reverse', 'Newest first')
export const isFollowing = onOff('follow', 'Go on with what is published, until Ctrl-C')
export const interval = defaulted(
  'interval',
  duration({ minMs: 50, maxMs: 3_600_000 }),
  '1s',
  'How often --follow asks for more',
)

export const user = flag('user', text('<id>'), 'Whose connections')
export const client = flag('client', text('<id>'), 'Only this connection')
export const except = flag('except', list('<ids>'), 'Not these connections')
export const code = flag(
  'code',
  count({ min: 3000, max: 4999 }),
  'The code they are closed with; 3503 if not said',
)
export const reason = flag('reason', text('<text>'), 'The reason they are told, with --code')

export const params = optional('params', json(), 'Its request as JSON; {} if not said')

export const apiCommands = {
  publish: {
    summary: 'Publish to a channel',
    args: [channel, payload],
    flags: [isText, isBase64, tags, idempotencyKey, skipHistory, delta, ...api],
    examples: [
      { line: `publish news '{"title":"Hello"}'`, doc: '' },
      { line: 'publish news --text "Hello"', doc: 'a text' },
      { line: 'publish news < data.json', doc: '' },
    ],
  },
  history: {
    summary: 'What is kept of a channel, and what comes',
    about: [
      'Of the newest, oldest first. --follow prints what is there and goes on; it asks again and again, outlasts a gateway that restarts, and prints each publication once. Where it can’t be sure that none was missed, as when the channel keeps less than comes between two questions, it says so.',
    ],
    args: [channel],
    flags: [limit, since, isReverse, isFollowing, interval, ...api],
    examples: [
      { line: 'history news --limit 5', doc: '' },
      { line: 'history news --follow --json | jq .data', doc: 'one JSON object a line' },
    ],
  },
  presence: {
    summary: 'Who is in a channel',
    args: [channel],
    flags: [...api],
    examples: [{ line: 'presence chat:lobby', doc: '' }],
  },
  info: {
    summary: 'The gateways of the mesh, and what they carry',
    flags: [...api],
    examples: [{ line: 'info', doc: '' }],
  },
  disconnect: {
    summary: 'Close the connections of a user, on all gateways',
    flags: [user, client, except, code, reason, ...api],
    examples: [
      { line: 'disconnect --user ann', doc: '' },
      { line: 'disconnect --user ann --code 4001 --reason banned', doc: '' },
    ],
  },
} as const satisfies Record<string, Command>
