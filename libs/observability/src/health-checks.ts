import { messageOf } from '@natter/primitives'

/** Undefined while all is well, else the reason in words for the person on call. Nothing secret: the page has no password. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>

type CheckKind = 'alarm' | 'ready' | 'live'

/** What a report is for: all that is known, whether to send clients here, or whether to restart. */
export type HealthQuestion = 'all' | 'ready' | 'live'

const asks: Record<HealthQuestion, readonly CheckKind[]> = {
  all: ['alarm', 'ready', 'live'],
  ready: ['ready', 'live'],
  live: ['live'],
}

export interface HealthCheckOptions {
  /**
   * `ready` (default): without it, no new clients. `live`: without it, this process needs a restart. `alarm`: without it, a person has
   * to look, and new clients are as well off here as anywhere.
   */
  readonly kind?: CheckKind
}

export interface HealthReport {
  readonly status: 'ok' | 'unavailable'
  /** `ok` or the reason, by name of the check. */
  readonly checks: Readonly<Record<string, string>>
}

/** A check that hangs is failing. */
const checkTimeoutMs = 2000

/** The named checks of a process. */
export class HealthChecks {
  private readonly checks = new Map<string, { check: HealthCheck; kind: CheckKind }>()

  /** Adds a check, replacing one of that name; the result removes it. */
  add(name: string, check: HealthCheck, { kind = 'ready' }: HealthCheckOptions = {}): () => void {
    const entry = { check, kind }
    this.checks.set(name, entry)
    return () => {
      if (this.checks.get(name) === entry) this.checks.delete(name)
    }
  }

  /** `live` asks the live checks alone; readiness needs life too; `all` asks the alarms as well. */
  async report(question: HealthQuestion = 'all'): Promise<HealthReport> {
    const asked = [...this.checks].filter(([, { kind }]) => asks[question].includes(kind))
    const answers = await Promise.all(
      asked.map(async ([name, { check }]) => [name, await ask(check)] as const),
    )
    const status = answers.every(([, answer]) => answer === 'ok') ? 'ok' : 'unavailable'
    return { status, checks: Object.fromEntries(answers) }
  }
}

async function ask(check: HealthCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${checkTimeoutMs} ms`), checkTimeoutMs)
  })
  try {
    return (await Promise.race([check(), late])) ?? 'ok'
  } catch (error) {
    return messageOf(error)
  } finally {
    clearTimeout(timer)
  }
}
