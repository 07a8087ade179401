/** Several commands in one request. Each has its own answer, in their order; one that fails doesn't keep the others from being done. */
import { Gate } from '@natter/primitives'
import { Errors, jsonElements, jsonFields } from '@natter/protocol'
import { z } from 'zod'
import { RefusedError } from '../api/refusal.js'
import type { RunCommand } from './http-api.js'
import { memberText, parseObject, type JsonObject } from './json.js'
import { defineMethod } from './method.js'

const maxCommands = 1_000
/** At a time, of a batch that is done in parallel. */
const width = 100

const commandShape = z
  .record(z.string(), z.unknown())
  .describe('One member: the name of the method, and its parameters.')

/** For the description; what it does stands in {@link runBatch}, because it runs the others. */
export const batchMethod = defineMethod({
  summary: 'Several commands, one after the other or all at once.',
  params: z.object({
    commands: z
      .array(commandShape)
      .optional()
      .describe(`At most ${maxCommands.toLocaleString('en')}.`),
    parallel: z
      .boolean()
      .optional()
      .describe('They need not wait for each other, and may be done in any order.'),
  }),
  result: z.object({
    replies: z
      .array(z.record(z.string(), z.unknown()))
      .describe('In the order of the commands: the name of the method and its result, or error.'),
  }),
  handle: () => Promise.reject(new RefusedError(Errors.methodNotFound)),
})

/** @throws RefusedError 106, 107. */
export async function runBatch(
  run: RunCommand,
  { params }: typeof batchMethod,
  given: JsonObject,
): Promise<object> {
  const { commands = [], parallel } = given.members
  if (!params.safeParse({ commands, ...(parallel == null ? {} : { parallel }) }).success)
    throw new RefusedError(Errors.badRequest, 'bad request: commands is a list of objects')
  const texts = elementsOf(memberText(given, 'commands') ?? '[]')
  if (texts.length > maxCommands)
    throw new RefusedError(
      Errors.limitExceeded,
      `A batch takes ${maxCommands} commands at most: send several`,
    )
  const gate = new Gate(parallel === true ? width : 1) // in their order, as they stand in line
  return { replies: await Promise.all(texts.map((text) => gate.run(() => reply(run, text)))) }
}

const elementsOf = (text: string): string[] =>
  jsonElements(text).map(({ start, end }) => text.slice(start, end))

async function reply(run: RunCommand, command: string): Promise<object> {
  const [[name, span] = []] = [...jsonFields(command)]
  const given = span && parseObject(command.slice(span.start, span.end))
  if (name === undefined || given === undefined) return { error: { ...Errors.badRequest } }
  const told = await run(name, given)
  return 'result' in told ? { [name]: told.result } : told
}
