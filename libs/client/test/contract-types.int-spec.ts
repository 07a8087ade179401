/** The types of a contract, held by the compiler: what is right compiles, what is wrong doesn't, and a type that was loosened is noticed. */
import { describe, expect, it } from '@jest/globals'
import { basename, join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '../../..')
const fixtures = ['right.ts', 'wrong.ts'].map((name) => join(root, 'libs/client/test/types', name))

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object }
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['x.ts'] }, ts.sys, root)

let before: ts.Program | undefined

/** What the compiler says of the fixtures, with some lines of the client's sources said otherwise. */
function complaints(loosened?: { file: string; from: string; to: string }): string[] {
  const host = ts.createCompilerHost({ ...options, incremental: false })
  const plain = host.getSourceFile.bind(host)
  let isDone = loosened === undefined
  host.getSourceFile = (name, language, ...more) => {
    if (loosened === undefined || !name.endsWith(`/libs/client/src/${loosened.file}`)) {
      return before?.getSourceFile(name) ?? plain(name, language, ...more)
    }
    const text = ts.sys.readFile(name) ?? ''
    isDone = text.includes(loosened.from)
    return ts.createSourceFile(name, text.replace(loosened.from, loosened.to), language)
  }
  const program = ts.createProgram(fixtures, { ...options, noEmit: true, incremental: false }, host)
  if (!isDone) throw new Error(`${loosened?.file} has no longer "${loosened?.from}": say what to loosen now`)
  if (loosened === undefined) before = program
  return fixtures.flatMap((name) => {
    const file = program.getSourceFile(name)
    return program.getSemanticDiagnostics(file).map(({ start = 0, messageText }) => {
      const line = file?.getLineAndCharacterOfPosition(start).line ?? 0
      return `${basename(name)}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

describe('the types of a contract', () => {
  it('let through what the declaration says, and nothing else', () => {
    expect(complaints()).toEqual([])
  }, 60_000)

  it.each([
    ['what is published', 'contract/contract.ts', "Said<At<C, Key>, 'publish'>", 'unknown'],
    ['which channels there are', 'contract/contract.ts', 'NameOf<Patterns<C>>\n', 'string\n'],
    ['what an rpc takes', 'client.ts', 'DataArgument<RequestOf<C, Method>>', 'unknown[]'],
    [
      'what an rpc answers',
      'client.ts',
      'Call<ReplyOf<C, Method>, ProgressOf<C, Method>>',
      'Call<never, never>',
    ],
    ['what is read', 'channel/publication.ts', 'readonly data: Data', 'readonly data: any'],
  ])(
    'would be noticed if they were loosened: %s',
    (_what, file, from, to) => {
      const found = complaints({ file, from, to })
      expect(found.join('\n')).toMatch(/^(wrong|right)\.ts/)
    },
    60_000,
  )
})
