/**
 * The child's side of a bench: a process that does what the bench asks it over IPC, one answer per question.
 *
 * R1. It ends when the bench does, however that ends: its IPC channel closes.
 */

export interface Question {
  id: number
  ask: string
  with: unknown
}

export type Answer = { id: number; answer: unknown } | { id: number; error: string }

// oxlint-disable-next-line typescript/no-explicit-any -- what a bench sends is what its own driver takes
type Handlers = Record<string, (input: any) => unknown>

export function serve(handlers: Handlers): void {
  process.on('disconnect', () => process.exit(0)) // R1
  process.on('message', (message: Question) => {
    if (message.ask !== 'collect') void reply(handlers, message) // harness/collect.mjs answers that
  })
  process.send?.({ type: 'ready', details: {} })
}

async function reply(handlers: Handlers, { id, ask, with: input }: Question): Promise<void> {
  const answer = await Promise.resolve()
    .then(() => {
      const handler = handlers[ask]
      if (handler === undefined) throw new Error(`nothing answers ${ask}`)
      return handler(input)
    })
    .then(
      (value): Answer => ({ id, answer: value }),
      (error: unknown): Answer => ({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
  process.send?.(answer)
}
