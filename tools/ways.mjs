/**
 * Ways to obtain a program, cheapest first: the first that works is taken, and each that fails says why in one line. What is fetched or
 * built goes to the user's cache folder.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'natter')

/** This way had nothing to try: worth no line. */
export class Skipped extends Error {}

/** The file that a variable of the environment names. */
export function namedBy(variable) {
  const file = process.env[variable]
  if (!file) throw new Skipped()
  return resolve(file)
}

/** The first of the name on the PATH. */
export function onPath(name) {
  const files = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  const file = files.find((candidate) => existsSync(candidate))
  if (file === undefined) throw new Skipped()
  return file
}

/**
 * @param {string} program
 * @param {{ name: string, fetches?: boolean, obtain(scratch: string, say: (line: string) => void): Promise<string> }[]} ways `fetches`:
 *   worth a line before it is tried; `scratch` is a folder that goes when all is over
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} the absolute path, or null when every way failed
 */
export async function firstOf(program, ways, say) {
  const scratch = await mkdtemp(join(tmpdir(), `natter-${program}-`))
  try {
    for (const { name, fetches = false, obtain } of ways) {
      if (fetches) say(`${program}: trying ${name}`)
      try {
        return await obtain(scratch, say)
      } catch (error) {
        if (!(error instanceof Skipped)) say(`${program}: ${name}: ${error.message}`)
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return null
}

/** @returns {boolean} */
export function isAtLeast(version, minimum) {
  const parts = (text) => text.split('.').map((part) => Number.parseInt(part, 10))
  const [mine, least] = [parts(version), parts(minimum)]
  for (let index = 0; index < 3; index += 1) {
    if (mine[index] !== least[index]) return mine[index] > least[index]
  }
  return true
}
