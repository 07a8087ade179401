import type { Call } from '../call.js'
import { Store, type Readable } from '../store.js'

export type RpcState<Reply, Progress> =
  | { readonly kind: 'idle' }
  /** `progress`: the newest piece that was told. */
  | { readonly kind: 'running'; readonly progress: Progress | undefined }
  | { readonly kind: 'replied'; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly error: Error }

/** Calls of one method, one after the other; the value is that of the newest. An older one that ends later changes nothing. */
export class RpcRun<Reply, Progress> {
  private readonly store = new Store<RpcState<Reply, Progress>>({ kind: 'idle' })
  private calls = 0

  constructor(private readonly start: (...data: readonly unknown[]) => Call<Reply, Progress>) {}

  get state(): Readable<RpcState<Reply, Progress>> {
    return this.store
  }

  readonly call = (...data: readonly unknown[]): Promise<Reply> => {
    const call = (this.calls += 1)
    const set = (state: RpcState<Reply, Progress>): void => {
      if (call === this.calls) this.store.set(state)
    }
    set({ kind: 'running', progress: undefined })
    const running = this.start(...data)
    const reply = Promise.resolve(running).then(
      (value) => {
        set({ kind: 'replied', reply: value })
        return value
      },
      (error: Error) => {
        set({ kind: 'failed', error })
        throw error
      },
    )
    reply.catch(() => {}) // a page that shows the state needs not catch
    void this.follow(running, set)
    return reply
  }

  private async follow(
    running: Call<Reply, Progress>,
    set: (state: RpcState<Reply, Progress>) => void,
  ): Promise<void> {
    try {
      for await (const progress of running)
        if (this.store.get().kind === 'running') set({ kind: 'running', progress })
    } catch {
      // told by the reply
    }
  }
}
