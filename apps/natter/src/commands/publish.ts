import { InvalidError } from '@natter/primitives'
import { callApi } from '../api-client/api-client.js'
import { methods } from '../api-client/methods.js'
import { UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import { jsonText } from '../cli/values.js'
import { apiAccess } from './api-access.js'
import * as flags from './api-table.js'
import type { Action } from './action.js'

export const publish: Action = async (given, terminal) => {
  const data = await dataOf(given, terminal)
  const access = await apiAccess(given, terminal)
  const tags = Object.fromEntries(given.all(flags.tags))
  const rest = {
    channel: given.arg(flags.channel),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(given.has(flags.idempotencyKey) ? { idempotency_key: given.of(flags.idempotencyKey) } : {}),
    ...(given.has(flags.skipHistory) ? { skip_history: true } : {}),
    ...(given.has(flags.delta) ? { delta: true } : {}),
  }
  // as it was written: numbers that no double holds go through unchanged
  const result = await callApi(access, methods.publish, `${JSON.stringify(rest).slice(0, -1)},${data}}`)
  const { offset, epoch } = result
  terminal.show(
    result,
    offset === undefined ? 'Published.' : `Published at offset ${offset}, epoch ${epoch ?? ''}.`,
  )
  return undefined
}

/** The member of the request that holds it. */
async function dataOf(given: Given, terminal: Terminal): Promise<string> {
  if (given.has(flags.isText) && given.has(flags.isBase64))
    throw new UsageError(['--text and --base64: keep one of them.'], given.name)
  const word = given.optional(flags.payload) ?? '-'
  const text = word === '-' ? await terminal.readStdin() : word
  if (given.has(flags.isText)) return `"data":${JSON.stringify(text)}`
  if (given.has(flags.isBase64)) return `"b64data":${JSON.stringify(text.trim())}`
  const read = jsonText().read(text.trim())
  if ('ok' in read) return `"data":${read.ok}`
  throw new InvalidError('data-no-json', `The data ${read.mistake}. For a text as it is, --text.`)
}
