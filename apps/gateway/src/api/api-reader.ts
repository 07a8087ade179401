import type { ApiClientInfo, ApiPublication, ApiRequest, ApiResults } from '@natter/hooks'
import { Errors, type ClientInfo, type Publication } from '@natter/protocol'
import type { History } from '../history/history.js'
import type { Presence } from '../presence/presence.js'
import { demand, demandChannel, isText, isWhole, type ChannelRules } from './checks.js'
import { RefusedError } from './refusal.js'

/** What one answer may weigh: NATS takes a megabyte. */
const maxAnswerBytes = 900_000

export interface ApiReaderParts {
  presence: Pick<Presence, 'members'>
  history: Pick<History, 'read'>
  rules: ChannelRules
  /** Publications in one answer. */
  historyPage(): number
}

/** What apps read. Both answers are cut at what NATS takes: a page of history goes on behind its last publication. */
export class ApiReader {
  constructor(private readonly parts: ApiReaderParts) {}

  async presence({ channel }: Extract<ApiRequest, { kind: 'presence' }>): Promise<ApiResults['presence']> {
    demandChannel(this.parts.rules, 'presence', channel)
    const members = await this.parts.presence.members(channel)
    return { members: fitting([...members.values()].map((info) => clientInfoOf(info))) }
  }

  async history(request: Extract<ApiRequest, { kind: 'history' }>): Promise<ApiResults['history']> {
    const { channel, limit, since, isReverse } = request
    const { rules } = this.parts
    const historyPage = this.parts.historyPage()
    const namespace = demandChannel(rules, 'history', channel)
    demand(Number.isSafeInteger(limit), 'A limit is a whole number')
    const isPlace =
      since === undefined || (isText(since.epoch) && isWhole(since.offset, 0, Number.MAX_SAFE_INTEGER))
    demand(isPlace && !(isReverse && since?.offset === 0), 'That is no position to read from')
    const page = limit < 0 || limit > historyPage ? historyPage : limit
    const query = { limit: page, isReverse, ...(since === undefined ? {} : { since }) }
    const result = await this.parts.history.read(channel, namespace, query)
    if (result === 'other-epoch') throw new RefusedError(Errors.unrecoverablePosition)
    const all = (result.publications ?? []).map((one) => publicationOf(one))
    const publications = fitting(all)
    demand(
      publications.length > 0 || all.length === 0,
      'The next publication is too large to travel to an app',
    )
    return { publications, position: { offset: result.offset, epoch: result.epoch } }
  }
}

/** As many of the first as fit. */
function fitting<T extends object>(all: readonly T[]): T[] {
  let bytes = 0
  const end = all.findIndex((one) => (bytes += Buffer.byteLength(JSON.stringify(one)) + 1) > maxAnswerBytes)
  return end < 0 ? [...all] : all.slice(0, end)
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

function clientInfoOf({ user, client, connInfo, chanInfo }: ClientInfo): ApiClientInfo {
  return {
    user,
    client,
    ...(connInfo === undefined ? {} : { connInfoJson: textOf(connInfo) }),
    ...(chanInfo === undefined ? {} : { chanInfoJson: textOf(chanInfo) }),
  }
}

function publicationOf({ data, info, offset, tags, time }: Publication): ApiPublication {
  return {
    dataBase64: Buffer.from(data).toString('base64'),
    ...(info === undefined ? {} : { info: clientInfoOf(info) }),
    ...(offset === undefined ? {} : { offset }),
    ...(tags === undefined ? {} : { tags }),
    ...(time === undefined ? {} : { time }),
  }
}
