/** The old form: `POST /api` with `{"method", "params"}`, one or many after each other; the answers are lines in the same order. */
import { Errors, jsonSequence } from '@natter/protocol'
import { errorOf } from './errors.js'
import type { RunCommand } from './http-api.js'
import { memberText, parseObject, toJson, type JsonObject } from './json.js'

const maxCommands = 1_000

/** Undefined: nothing of it is done, because it is no such text, or too much. */
export function runLegacy(run: RunCommand, text: string): Promise<string> | undefined {
  const spans = jsonSequence(text)
  if (spans.length === 0 || spans.length > maxCommands) return undefined
  const commands = spans.map(({ start, end }) => parseObject(text.slice(start, end)))
  if (!commands.every((command) => command !== undefined)) return undefined
  return runAll(run, commands)
}

async function runAll(run: RunCommand, commands: readonly JsonObject[]): Promise<string> {
  const lines: string[] = []
  for (const command of commands) lines.push(toJson(await runOne(run, command)))
  return lines.join('\n')
}

async function runOne(run: RunCommand, command: JsonObject): Promise<object> {
  const { id, method } = command.members
  const named = typeof id === 'number' && id !== 0 ? { id } : {}
  const given = parseObject(memberText(command, 'params') ?? '{}')
  if (typeof method !== 'string' || given === undefined)
    return { ...named, error: errorOf(Errors.badRequest) }
  return { ...named, ...(await run(method.toLowerCase(), given)) }
}
