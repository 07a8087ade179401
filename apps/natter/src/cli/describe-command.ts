import type { Command } from './command.js'
import { usageOf } from './help.js'

/** A command as JSON: for who writes tools around it. */
export function describeCommand(name: string, command: Command): object {
  const { summary, about = [], args = [], flags = [], examples } = command
  return {
    name,
    usage: usageOf(name, command),
    summary,
    about,
    arguments: args.map((one) => ({ name: one.name, doc: one.doc, required: one.isOptional !== true })),
    flags: flags.map(({ name: flag, value, doc, default: fallback, isMany: repeatable }) => ({
      name: flag,
      takes: value?.placeholder,
      doc,
      default: fallback,
      repeatable,
    })),
    examples: examples.map(({ line }) => `natter ${line}`),
  }
}
