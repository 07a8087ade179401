/**
 * One hook: which instances are asked, when, and whose answer counts.
 *
 * Q1. It ends exactly once: with the first answer, or at the deadline, or when nobody is left to ask.
 * Q2. An instance that certainly did not look at it (gone, leaving) costs nothing: the next one is asked at once, whatever the hook.
 * Q3. While one may be at work on it, another one is asked only where that is harmless: one after a third of the deadline, and one at once
 *     when the first was asked on trial.
 */
import type { Clock, Timer } from '@natter/primitives'
import { answers } from '../apps-record.js'
import type { AnswerTable, HookReply, HookRequest } from '../hooks.js'
import type { CallOutcome, Directory } from './directory.js'
import type { Instance } from './instances.js'

export type Answer =
  | { kind: 'reply'; reply: HookReply }
  | { kind: 'timeout' }
  | { kind: 'absent' }
  | { kind: 'failed'; error: unknown }

export interface QuestionOptions {
  directory: Directory
  clock: Clock
  app: string
  request: HookRequest
  isHarmless: boolean
  deadlineMs: number
  onAsk(instance: Instance, attempt: number): void
  onTimeout(instance: Instance): void
}

/** Never rejects. */
export function askApp(options: QuestionOptions): Promise<Answer> {
  return new Promise((resolve) => new Question(options, resolve).start())
}

class Question {
  private readonly tried = new Set<Instance>()
  private readonly untilMs: number
  private hedge: Timer | undefined
  private waiting = 0
  private isOver = false
  /** What is answered when nobody is left. */
  private worst: Answer = { kind: 'absent' }

  constructor(
    private readonly options: QuestionOptions,
    private readonly resolve: (answer: Answer) => void,
  ) {
    this.untilMs = options.clock.now() + options.deadlineMs
  }

  start(): void {
    const { isHarmless, clock, deadlineMs } = this.options
    if (!this.next(isHarmless)) return this.end({ kind: 'absent' })
    if (isHarmless) this.hedge = clock.setTimer(() => this.next(false), deadlineMs / 3) // Q3
  }

  /** Asks another one; false = there is none. */
  private next(mayTry: boolean): boolean {
    const { directory, app, request } = this.options
    const fits = (table: AnswerTable): boolean => answers(table, request)
    const picked = directory.pick(app, { mayTry, tried: this.tried, fits })
    if (picked === undefined) return false
    void this.ask(picked.instance)
    if (picked.isTrial) this.next(false) // Q3
    return true
  }

  private async ask(instance: Instance): Promise<void> {
    const { directory, request, clock, onAsk } = this.options
    const withinMs = Math.max(1, this.untilMs - clock.now())
    this.tried.add(instance)
    this.waiting += 1
    onAsk(instance, this.tried.size)
    const outcome = await directory.askHook(instance, { kind: 'hook', withinMs, request }, withinMs)
    this.waiting -= 1
    this.take(instance, outcome)
  }

  private take(instance: Instance, outcome: CallOutcome): void {
    if (outcome.kind === 'timeout') this.options.onTimeout(instance)
    if (this.isOver) return
    if (outcome.kind === 'reply' && outcome.reply.kind === 'reply') return this.end(outcome.reply)
    if (outcome.kind === 'timeout') this.worst = outcome
    else if (outcome.kind === 'failed') this.worst = outcome
    else if (outcome.kind === 'reply')
      this.worst = { kind: 'failed', error: new Error('not the answer to a hook') }
    const isAsked = outcome.kind === 'away' && this.next(false) // Q2
    if (!isAsked && this.waiting === 0) this.end(this.worst) // Q1
  }

  private end(answer: Answer): void {
    this.isOver = true
    this.hedge?.cancel()
    this.resolve(answer)
  }
}
