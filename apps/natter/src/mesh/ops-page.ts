import { createServer, type Server } from 'node:http'
import type { Mesh } from './mesh.js'

/** Answers `/health` and `/metrics` about the processes of a mesh. */
export class OpsPage {
  private readonly restarts = new Map<string, number>()
  private readonly server: Server

  constructor(private readonly mesh: Mesh) {
    for (const process of mesh.processes) {
      this.restarts.set(process.name, 0)
      process.events.on('process:restart', () =>
        this.restarts.set(process.name, (this.restarts.get(process.name) ?? 0) + 1),
      )
    }
    this.server = createServer((request, response) => {
      const { status, type, body } = this.answer(request.url ?? '/')
      response.writeHead(status, { 'content-type': type }).end(body)
    })
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ port, host, exclusive: true }, resolve)
    })
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  private answer(url: string): { status: number; type: string; body: string } {
    if (url === '/health') return this.health()
    if (url === '/metrics') return { status: 200, type: 'text/plain; version=0.0.4', body: this.metrics() }
    return { status: 404, type: 'text/plain', body: 'There are /health and /metrics here.\n' }
  }

  private health(): { status: number; type: string; body: string } {
    const processes = this.mesh.processes.map(({ name, isReady, pid }) => ({ name, ready: isReady, pid }))
    const isUp = processes.every(({ ready }) => ready)
    const body = JSON.stringify({ status: isUp ? 'ok' : 'unavailable', processes })
    return { status: isUp ? 200 : 503, type: 'application/json', body: `${body}\n` }
  }

  private metrics(): string {
    const lines = ['# HELP natter_supervisor_restarts_total Restarts after a process died by itself.']
    lines.push('# TYPE natter_supervisor_restarts_total counter')
    for (const [name, count] of this.restarts) {
      lines.push(`natter_supervisor_restarts_total{process="${name}"} ${count}`)
    }
    return `${lines.join('\n')}\n`
  }
}
