import { systemClock } from '@natter/primitives'
import { seconds } from '../console-report.js'
import type { Mesh } from '../mesh/mesh.js'
import { gatewayNames } from '../mesh/process-specs.js'
import { ownProgram } from '../mesh/programs.js'
import { ManagedProcess } from '../process/managed-process.js'
import { runMesh, type RunOptions } from '../run-mesh.js'
import { RollingRestart } from './rolling-restart.js'
import { watchSources } from './source-watch.js'

export interface DevOptions extends Omit<RunOptions, 'dev' | 'extra' | 'whenReady'> {
  /** Where the sources are: `programs` are restarted for them. */
  sourceRoot: string
  /** Builds the page at each save. */
  page: boolean
}

/** The mesh from source, restarted where a saved file matters. */
export function runDev(options: DevOptions): Promise<number> {
  const { root, sourceRoot, page } = options
  return runMesh({
    ...options,
    dev: true,
    extra: () => (page ? [pageBuilder(root)] : []),
    whenReady: (mesh, say) => restartOnSave(sourceRoot, mesh, say),
  })
}

/** Builds the page again at each save; the messenger serves what is there. */
function pageBuilder(root: string): ManagedProcess {
  const spec = {
    name: 'page',
    program: ownProgram('dev/page-builder'),
    cwd: root,
    env: process.env,
    readyTimeoutMs: 30_000,
    stopTimeoutMs: 2000,
  }
  return new ManagedProcess(spec, systemClock)
}

function restartOnSave(root: string, mesh: Mesh, say: (line: string) => void): void {
  const rolling = new RollingRestart()
  watchSources(root, ['apps/gateway/src', 'apps/messenger/src', 'apps/persistence/src', 'libs'], (files) => {
    const affected = affectedBy(files, mesh)
    const startedAtMs = Date.now()
    say(`Saved ${files.join(', ')}: ${affected.map(({ name }) => name).join(', ')} restart`)
    for (const process of affected) {
      const off = process.events.on('process:ready', () => {
        off()
        say(`  ${process.name} runs the new code, ${seconds(Date.now() - startedAtMs)} s after the save`)
      })
    }
    rolling.request(affected)
  })
}

function affectedBy(files: readonly string[], mesh: Mesh): ManagedProcess[] {
  const isHit = (folder: string) => files.some((file) => file.startsWith('libs/') || file.startsWith(folder))
  const names = [
    ...(isHit('apps/gateway/') ? gatewayNames : []),
    ...(isHit('apps/messenger/') ? ['messenger'] : []),
    ...(isHit('apps/persistence/') ? ['persistence'] : []),
  ]
  return names.map((name) => mesh.find(name)).filter((process) => process !== undefined)
}
