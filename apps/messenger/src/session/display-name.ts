/**
 * Names as people choose them. Two that look alike to a reader (`Ana`, ` ana `) are one user.
 */
export type NameVerdict =
  { ok: true; name: string; user: string } | { ok: false; code: string; message: string }

export const MAX_NAME_CHARACTERS = 32

const CONTROL_OR_FORMAT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

export function judgeName(input: unknown): NameVerdict {
  if (typeof input !== 'string') return refuse('name-missing', 'A name is needed.')
  const name = input.normalize('NFC').trim()
  if (name === '') return refuse('name-missing', 'Please choose a name.')
  if ([...name].length > MAX_NAME_CHARACTERS)
    return refuse('name-too-long', `A name has at most ${MAX_NAME_CHARACTERS} characters.`)
  if (CONTROL_OR_FORMAT.test(name))
    return refuse('name-not-printable', 'A name cannot hold control or invisible characters.')
  return { ok: true, name, user: userOf(name) }
}

/** The same for every spelling of a name, so that two pages of one person are one user. */
function userOf(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\s+/gu, '-')
}

function refuse(code: string, message: string): NameVerdict {
  return { ok: false, code, message }
}
