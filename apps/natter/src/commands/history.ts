import { setTimeout as sleep } from 'node:timers/promises'
import { callApi } from '../api-client/api-client.js'
import { followHistory } from '../api-client/follow-history.js'
import { methods, type ApiPublication } from '../api-client/methods.js'
import { readHistory, type AskHistory } from '../api-client/read-history.js'
import { UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import { printable, type Terminal } from '../cli/terminal.js'
import { apiAccess } from './api-access.js'
import * as flags from './api-table.js'
import type { Action } from './action.js'
import { endingOnSignals } from './end-on-signals.js'

export const history: Action = async (given, terminal) => {
  if (given.has(flags.isFollowing) && given.has(flags.isReverse))
    throw new UsageError(['--follow goes forward, --reverse back: keep one of them.'], given.name)
  const access = await apiAccess(given, terminal)
  const channel = given.arg(flags.channel)
  const ask: AskHistory = (query) =>
    callApi(access, methods.history, JSON.stringify({ channel, ...query }), terminal.signal)
  if (given.has(flags.isFollowing)) await follow(ask, given, terminal)
  else await showOnce(ask, given, terminal)
  return undefined
}

async function showOnce(ask: AskHistory, given: Given, terminal: Terminal): Promise<void> {
  const limit = given.of(flags.limit)
  const since = given.of(flags.since)
  const isReverse = given.has(flags.isReverse)
  const isNewest = since === undefined && limit > 0
  const page = await readHistory(ask, {
    limit,
    reverse: isReverse || isNewest,
    ...(since === undefined ? {} : { since }),
  })
  const publications = isNewest && !isReverse ? page.publications.toReversed() : page.publications
  const at = `The channel is at offset ${page.offset}, epoch ${printable(page.epoch)}.`
  terminal.show({ ...page, publications }, [...publications.map(lineOf), at].join('\n'))
}

async function follow(ask: AskHistory, given: Given, terminal: Terminal): Promise<void> {
  const { signal } = terminal
  const parts = {
    ask,
    wait: (ms: number) => sleep(ms, undefined, { signal }).catch(() => {}),
    give: (publication: ApiPublication) => terminal.item(publication, lineOf(publication)),
    warn: (code: string, sentence: string) => terminal.warn(code, sentence),
    isOver: () => signal.aborted,
  }
  const options = {
    limit: given.of(flags.limit),
    since: given.of(flags.since),
    intervalMs: given.of(flags.interval),
  }
  await endingOnSignals(terminal, () => followHistory(parts, options))
}

function lineOf({ offset, time, info, data, b64data, tags }: ApiPublication): string {
  const parts = [
    String(offset),
    ...(time === undefined ? [] : [new Date(time).toISOString()]),
    ...(info === undefined ? [] : [info.user === '' ? '(anonymous)' : info.user]),
    b64data === undefined ? JSON.stringify(data) : `base64 ${b64data}`,
    ...(tags === undefined ? [] : [JSON.stringify(tags)]),
  ]
  return parts.map((part) => printable(part)).join('  ')
}
