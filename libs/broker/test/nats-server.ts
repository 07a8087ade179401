import { startNatsServer, type NatsServer } from '@natter/testing'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A real server and what happens to servers. */
export class TestNats {
  private constructor(private readonly server: NatsServer) {}

  /** `config`: what goes beyond port and store, in the server's own words. */
  static async start(config?: string): Promise<TestNats> {
    return new TestNats(await startNatsServer(config === undefined ? {} : { config }))
  }

  get url(): string {
    return this.server.url
  }

  get port(): number {
    return this.server.port
  }

  /** Again on the same port, with what is left of the store. */
  boot(): Promise<void> {
    return this.server.restart()
  }

  /** As a crash: nothing is flushed, nobody is told. */
  kill(): Promise<void> {
    return this.server.kill('SIGKILL')
  }

  /** Accepts and answers nothing, but its sockets stay open. Resolves when it has stopped: it may still answer until then. */
  pause(): Promise<void> {
    return this.server.kill('SIGSTOP')
  }

  resume(): Promise<void> {
    return this.server.kill('SIGCONT')
  }

  async wipe(): Promise<void> {
    await rm(join(this.server.storeDir, 'jetstream'), { recursive: true, force: true })
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}
