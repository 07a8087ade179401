import { argumentWord, flagSentence, flagWord, usageOf } from '../../apps/natter/src/cli/help.js'
import type { Command } from '../../apps/natter/src/cli/command.js'
import { everywhere } from '../../apps/natter/src/cli/everywhere.js'
import { commands, groups } from '../../apps/natter/src/commands/table.js'
import { code, generatedNote, page, sentence, table } from './markdown.js'

/** What would be markup in a page: placeholders. */
const escaped = (text: string): string => text.replaceAll(/[<>*]/g, (char) => `\\${char}`)

const introduction = `In the repository a command is \`npm run natter -- <command>\`; how to call it \`natter\`, and recipes, are in
[operations](../operations/command-line.md).

What was asked for goes to stdout, and what is said beside to stderr. With \`--json\` that is one JSON document, or one object a line where the
command goes on, and an error is \`{"error":{"code":…,"message":…}}\` on stderr; the codes are in [error codes](error-codes.md).

${table(
  ['It ends with', 'When'],
  [
    ['0', 'it is done; also when Ctrl-C ended what goes on'],
    ['1', 'it failed, or what was checked is not in order'],
    ['2', 'the line makes no sense'],
  ],
)}

Everywhere:

${flagTable(Object.values(everywhere))}`

export async function commandLinePage(): Promise<string> {
  const all: Readonly<Record<string, Command>> = commands
  const blocks = groups.flatMap(({ title, commands: names }) =>
    [`## ${title}`].concat(names.map((name) => describe(name, all[name] as Command))),
  )
  return await page('# Command line', generatedNote, introduction, ...blocks)
}

function describe(name: string, command: Command): string {
  const { summary, about = [], args = [], flags = [], examples } = command
  const lines = examples.map(({ line, doc }) => `natter ${line}${doc === '' ? '' : `   # ${doc}`}`)
  return [
    `### natter ${name}`,
    sentence(summary),
    code(usageOf(name, command)),
    ...about.map((paragraph) => escaped(paragraph)),
    table(
      ['Argument', 'What it is'],
      args.map((one) => [code(argumentWord(one)), sentence(escaped(one.doc))]),
    ),
    flagTable(flags),
    `\`\`\`text\n${lines.join('\n')}\n\`\`\``,
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

function flagTable(flags: NonNullable<Command['flags']>): string {
  return table(
    ['Flag', 'What it does'],
    flags.map((flag) => [code(flagWord(flag)), sentence(escaped(flagSentence(flag)))]),
  )
}
