import { useCallback, useEffect, useRef, useState } from 'react'
import { Connection } from './mesh/connection.js'
import { exposeForDebugging } from './mesh/debugging.js'
import { rememberedName } from './session/remembered-name.js'
import { fetchGateways, signIn } from './session/session.js'
import { Door, type DoorProblem } from './view/door.js'
import { Workspace } from './view/workspace.js'

type Stage =
  | { kind: 'outside'; problem: DoorProblem | undefined }
  | { kind: 'entering' }
  | { kind: 'inside'; connection: Connection }

const SERVER_SILENT: DoorProblem = {
  about: 'server',
  message: 'The messenger’s server does not answer. Is Natter running? Try again in a moment.',
}

export function App() {
  const [stage, setStage] = useState<Stage>({ kind: 'outside', problem: undefined })
  const hasStarted = useRef(false)

  const enter = useCallback(async (name: string) => {
    setStage({ kind: 'entering' })
    setStage(await attemptToEnter(name))
  }, [])

  useEffect(() => {
    const name = rememberedName.read()
    if (hasStarted.current || name === undefined) return
    hasStarted.current = true
    void enter(name)
  }, [enter])

  if (stage.kind === 'inside') {
    const { connection } = stage
    const leave = (): void => {
      connection.close()
      rememberedName.write(undefined)
      setStage({ kind: 'outside', problem: undefined })
    }
    return <Workspace connection={connection} onSignOut={leave} />
  }
  const problem = stage.kind === 'outside' ? stage.problem : undefined
  return <Door isBusy={stage.kind === 'entering'} problem={problem} onEnter={(name) => void enter(name)} />
}

async function attemptToEnter(name: string): Promise<Stage> {
  const [signedIn, gateways] = await Promise.all([signIn(name), fetchGateways()])
  if (signedIn.kind === 'refused')
    return { kind: 'outside', problem: { about: 'name', message: signedIn.message } }
  if (signedIn.kind === 'unreachable' || !gateways || gateways.length === 0)
    return { kind: 'outside', problem: SERVER_SILENT }
  rememberedName.write(signedIn.session.name)
  const preferred = Number(new URLSearchParams(location.search).get('gateway') ?? 1)
  const connection = new Connection(signedIn.session, gateways, preferred)
  exposeForDebugging(connection.client)
  return { kind: 'inside', connection }
}
