import type { Command } from '../cli/command.js'
import { argument, file, flag, folder, text } from '../cli/values.js'

export const appModule = argument('module', file(), 'The compiled file that exports the app’s root module')
export const moduleName = flag(
  'export',
  text('<name>'),
  'Its export (else default, AppModule, or the only module)',
)
export const contractOut = flag(
  'out',
  folder(),
  'Write contract.asyncapi.json and contract.openapi.json there',
)
export const contractCheck = flag('check', folder(), 'Compare with the contract that is committed there')

export const contractCommands = {
  contract: {
    summary: 'What clients may rely on, from the decorators of an app, and what of it a change breaks',
    about: [
      'The file is imported and none of its providers is made: no mesh and no database is needed. It runs the code of that file.',
      'Ends with 1 where the contract that is committed is broken, each breaking change named. With --out too, nothing is written then.',
    ],
    args: [appModule],
    flags: [moduleName, contractOut, contractCheck],
    examples: [
      { line: 'contract dist/app.module.js --out contract', doc: 'and commit the folder' },
      { line: 'contract dist/app.module.js --check contract', doc: 'in CI' },
    ],
  },
} as const satisfies Record<string, Command>
