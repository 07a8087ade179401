import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>> | null>>

/** What the user's file of settings says of one, unchecked; `false` where the file is broken: the apps say why. */
export function settingInFile(
  root: string,
  [section, key]: readonly [string, string],
  env: NodeJS.ProcessEnv = process.env,
): unknown {
  try {
    const text = readFileSync(resolve(root, env['NATTER_CONFIG'] || 'natter.yaml'), 'utf8')
    return (parse(text) as Sections | null)?.[section]?.[key]
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isAbsent ? undefined : false
  }
}
