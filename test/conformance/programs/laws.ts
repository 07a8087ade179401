/** Runs a program of laws and reads its verdicts. */
import { startProcess } from '@natter/testing'
import { spawnSync } from 'node:child_process'
import type { World } from './world.js'

export type Encoding = 'json' | 'protobuf'

/** A command and its first arguments. */
export type Program = readonly [string, ...string[]]

export interface Verdict {
  readonly name: string
  readonly ok: boolean
  /** What was not as the law says. */
  readonly detail?: string
  readonly ms: number
}

/** The laws that it will judge, in their order. */
export function lawsOf([command, ...args]: Program, encoding: Encoding): readonly string[] {
  const { status, stdout, stderr } = spawnSync(command, [...args, 'list', encoding], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} lists no laws: ${stderr}`)
  return stdout.trim().split('\n')
}

/** All of them, one after the other. A law that it never came to has no verdict. */
export async function judge(
  world: World,
  [command, ...args]: Program,
  encoding: Encoding,
  name: string,
): Promise<ReadonlyMap<string, Verdict>> {
  const { control, moving, gateways } = await world.startRun(name)
  const child = await startProcess({
    command,
    args: [...args, 'judge', encoding, name, control, moving, ...gateways],
    env: { HTTP_PROXY: '', http_proxy: '', ALL_PROXY: '', all_proxy: '' },
  })
  await child.exited
  const verdicts = child.lines.flatMap((line) =>
    line.startsWith('{"name"') ? [JSON.parse(line) as Verdict] : [],
  )
  if (verdicts.length === 0) throw new Error(`no verdict; it printed:\n${child.lines.slice(-30).join('\n')}`)
  return new Map(verdicts.map((verdict) => [verdict.name, verdict]))
}
