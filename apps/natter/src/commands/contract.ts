/** The contract of an app: shown, written, and compared with the one that is committed. */
import { asyncApi, compareContracts, isBreaking, openApi, type Change } from '@natter/contract'
import type { AppContract } from '@natter/nest'
import { resolve } from 'node:path'
import { exitCodes } from '../cli/command.js'
import { printable, type Terminal } from '../cli/terminal.js'
import { loadContract } from '../contract/app-contract.js'
import { readContract, writeContract } from '../contract/contract-files.js'
import type { Action } from './action.js'
import { appModule, contractCheck, contractOut, moduleName } from './contract-table.js'

export const contract: Action = async (given, terminal) => {
  const at = (path: string | undefined) => (path === undefined ? undefined : resolve(terminal.cwd, path))
  const [check, out] = [at(given.of(contractCheck)), at(given.of(contractOut))]
  const before = check === undefined ? undefined : await readContract(check)
  const found = await loadContract(resolve(terminal.cwd, given.arg(appModule)), given.of(moduleName))
  const changes = before === undefined ? undefined : compareContracts(before, found.contract)
  const isBroken = isBreaking(changes ?? [])
  const files = out === undefined || isBroken ? [] : await writeContract(out, found.contract)
  show(terminal, found, { changes, files, isNamed: check !== undefined || out !== undefined })
  return isBroken ? exitCodes.failed : undefined
}

interface Outcome {
  /** Undefined: nothing was compared. */
  changes: readonly Change[] | undefined
  files: readonly string[]
  /** Whether a folder was named; else the documents themselves are shown to programs. */
  isNamed: boolean
}

function show(
  terminal: Terminal,
  { contract: own, gaps }: AppContract,
  { changes, files, isNamed }: Outcome,
): void {
  const value = {
    app: own.app,
    ...(changes === undefined ? {} : { ok: !isBreaking(changes), changes }),
    files,
    gaps,
    ...(isNamed ? {} : { asyncapi: asyncApi(own), openapi: openApi(own) }),
  }
  const counts = [
    counted(Object.keys(own.channels).length, 'channel'),
    counted(Object.keys(own.rpc).length, 'rpc method'),
    counted(Object.keys(own.events).length, 'event'),
  ]
  const lines = [
    `${own.app}: ${counts.join(', ')}`,
    ...gaps.map(({ path, message }) => `  ${path} is ${message}`),
    ...(changes === undefined ? [] : linesOf(changes)),
    ...files.map((file) => `Wrote ${file}`),
  ]
  terminal.show(value, lines.map(printable).join('\n'))
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function linesOf(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['The contract is as it was committed']
  const [broken, others] = [
    changes.filter(({ breaking }) => breaking),
    changes.filter(({ breaking }) => !breaking),
  ]
  const listed = (title: string, some: readonly Change[]): string[] =>
    some.length === 0 ? [] : [`${title}:`, ...some.map(({ message }) => `  - ${message}`)]
  return [
    ...listed('Breaks clients', broken),
    ...listed('Other changes, which break nobody: commit them with --out', others),
  ]
}
