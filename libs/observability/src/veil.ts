/**
 * The last line before the world: whatever a process is about to say or show passes here, and its secrets don't.
 *
 * V1. A text that is covered never passes, nor in the forms in which libraries quote it: within JSON, in an address, in Base64.
 * V2. What was covered stays covered: a secret that was replaced may still open a door. Where there are too many, those go that were named
 *     longest ago: what is in effect is named again with each reload.
 *
 * It is no leave to log secrets: it is for errors of others, who put what they like into a message.
 */

/** Shorter texts stand everywhere, and a log without them could not be read. Words and numbers do even when they are longer. */
const minLength = 6
const minPlainLength = 12

/** Secrets change with each reload; more than this many nobody has. */
const maxForms = 2_000

export const covered = '(hidden)'

export class Veil {
  private readonly forms = new Set<string>()
  private pattern: RegExp | undefined

  /** From now on. */
  cover(secrets: readonly string[]): void {
    const forms = secrets
      .map((secret) => secret.trim())
      .filter(isWorthCovering)
      .flatMap(formsOf)
    const isNew = forms.some((form) => !this.forms.has(form))
    for (const form of forms) {
      this.forms.delete(form) // the newest stands last
      this.forms.add(form)
    }
    if (isNew) this.pattern = patternOf(this.keepNewest())
  }

  /** V1. */
  over(text: string): string {
    return this.pattern === undefined ? text : text.replaceAll(this.pattern, covered)
  }

  /** V2. */
  private keepNewest(): ReadonlySet<string> {
    for (const form of this.forms) {
      if (this.forms.size <= maxForms) break
      this.forms.delete(form)
    }
    return this.forms
  }
}

function isWorthCovering(text: string): boolean {
  const isPlain = /^(\p{L}+|\d+)$/u.test(text)
  return text.length >= (isPlain ? minPlainLength : minLength)
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
  const wellFormed = bytes.toString() // half a character can't stand in an address
  const written = [secret, encodeURIComponent(wellFormed), encodeURI(wellFormed)]
  return [...written, ...written.map(inJson), ...base64]
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** The longest first: a secret may be the beginning of another one. */
function patternOf(forms: ReadonlySet<string>): RegExp {
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length)
  return new RegExp(
    longestFirst.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)).join('|'),
    'g',
  )
}
