import { HealthChecks, Metrics, startOpsServer, type OpsServer } from '@natter/observability'
import type { Mesh } from './mesh.js'
import { meshMetrics } from './mesh.metrics.js'

/** Answers `/health` and `/metrics` about the processes of a mesh; healthy means that all of them are ready. */
export async function observeMesh(mesh: Mesh, at: { host: string; port: number }): Promise<OpsServer> {
  const metrics = new Metrics({ labels: { node: 'supervisor' } })
  const checks = new HealthChecks()
  const { restarts } = metrics.register(meshMetrics, {
    up: () =>
      mesh.processes.map(({ name, isReady }) => ({ labels: { process: name }, value: Number(isReady) })),
  })
  for (const process of mesh.processes) {
    const labels = { process: process.name }
    restarts.add(labels, 0) // from the first scrape on, so that a rate sees the first restart
    process.events.on('process:restart', () => restarts.add(labels))
    checks.add(process.name, () => (process.isReady ? undefined : 'not ready'))
  }
  const server = await startOpsServer({ ...at, metrics, checks })
  return {
    port: server.port,
    stop: async () => {
      await server.stop()
      metrics.stop()
    },
  }
}
