import { forgetAppOfMesh } from '../apps/forget-app.js'
import { host, planPorts } from '../port-plan.js'
import type { Action } from './action.js'
import { basePortOf } from './local-mesh.js'
import { appName } from './mesh-table.js'

export const forget: Action = async (given, terminal) => {
  const app = given.arg(appName)
  const { nats } = planPorts(basePortOf(terminal, given))
  const said = await forgetAppOfMesh(app, terminal.env, `nats://${host}:${nats}`)
  terminal.show({ app, forgotten: true }, said)
  return undefined
}
