/** Undefined while all is well, else the reason in words for the person on call. Nothing secret: the page has no password. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>

export interface HealthCheckOptions {
  /** `ready` (default): without it, no new clients. `live`: without it, this process needs a restart. */
  readonly kind?: 'ready' | 'live'
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
  private readonly checks = new Map<string, { check: HealthCheck; kind: 'ready' | 'live' }>()

  /** Adds a check, replacing one of that name; the result removes it. */
  add(name: string, check: HealthCheck, { kind = 'ready' }: HealthCheckOptions = {}): () => void {
    const entry = { check, kind }
    this.checks.set(name, entry)
    return () => {
      if (this.checks.get(name) === entry) this.checks.delete(name)
    }
  }

  /** `live` asks the live checks alone; readiness needs life too. */
  async report(kind: 'ready' | 'live' = 'ready'): Promise<HealthReport> {
    const asked = [...this.checks].filter(([, entry]) => kind === 'ready' || entry.kind === 'live')
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
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(timer)
  }
}
