import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { aptInstall } from './apt.mjs'

/**
 * A program that tests start: the one that the environment names, the one that is installed, or Debian's, installed where this is root.
 *
 * @param {{ name: string, variable: string, places: string[], packages: string[] }} program `packages`: Debian's, the program's first
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} its absolute path; null, and lines say why and what to do
 */
export async function obtainProgram({ name, variable, places, packages }, say) {
  const refuse = (line) => {
    say(line)
    say(`Install ${name} (Debian: apt-get install ${packages[0]}), or set ${variable} to its file.`)
    return null
  }
  const named = process.env[variable]
  if (named) return existsSync(named) ? resolve(named) : refuse(`${variable}: ${named} does not exist`)
  const installed = () => places.find((place) => existsSync(place))
  const found = installed()
  if (found !== undefined) return found
  say(`${name}: installing it with apt-get`)
  const { ok, reason } = await aptInstall(packages)
  if (!ok) return refuse(`${name}: ${reason}`)
  return installed() ?? refuse(`${name}: installed, but not found`)
}
