/** What a process started with `--inspect=127.0.0.1:0` holds in memory, asked over its inspector: no hook in the product. */
import type { StartedProcess } from '@natter/testing'
import { WebSocket } from 'ws'

export interface MemoryUse {
  heapMiB: number
  /** Buffers and what native code told V8 of. */
  externalMiB: number
  rssMiB: number
}

export class Inspector {
  private ids = 0
  private readonly waiting = new Map<number, (result: unknown) => void>()

  static async attach(process: StartedProcess): Promise<Inspector> {
    const line = await process.waitForLine((one) => one.includes('Debugger listening on ws://'))
    const socket = new WebSocket(line.slice(line.indexOf('ws://')).split(/[\s"]/, 1)[0] ?? '')
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return new Inspector(socket)
  }

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown }
      this.waiting.get(id ?? 0)?.(result)
      this.waiting.delete(id ?? 0)
    })
  }

  /** After a forced collection. */
  async memory(): Promise<MemoryUse> {
    for (let times = 0; times < 3; times += 1) await this.call('HeapProfiler.collectGarbage')
    const { result } = (await this.call('Runtime.evaluate', {
      expression: 'JSON.stringify(process.memoryUsage())',
    })) as { result: { value: string } }
    const { heapUsed, external, rss } = JSON.parse(result.value) as NodeJS.MemoryUsage
    const [heapMiB = 0, externalMiB = 0, rssMiB = 0] = [heapUsed, external, rss].map((n) => n / 1_048_576)
    return { heapMiB, externalMiB, rssMiB }
  }

  close(): void {
    this.socket.close()
  }

  private call(method: string, params: object = {}): Promise<unknown> {
    this.ids += 1
    const id = this.ids
    this.socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => this.waiting.set(id, resolve))
  }
}
