import { newApp } from '../new/new-app.js'
import { repositoryRoot } from '../mesh/programs.js'
import { resolve } from 'node:path'
import type { Action } from './action.js'
import { projectFolder } from './mesh-table.js'

export const newProject: Action = async (given, terminal) => {
  const folder = resolve(terminal.cwd, given.arg(projectFolder))
  const next = await newApp(folder, repositoryRoot())
  terminal.show(
    { folder, next },
    `${folder} is ready. Next:\n\n${next.map((line) => `  ${line}`).join('\n')}`,
  )
  return undefined
}
