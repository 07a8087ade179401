import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { oneAtATime } from './one-at-a-time.mjs'
import { cacheFolder } from './ways.mjs'

/**
 * A folder of the user's cache that is made once for a program with an official SDK: kept by the hash of what it is made from, so that
 * another version is another folder. A folder is only believed when its last file is there, which is written when all else is.
 *
 * @param {string} name of the SDK's language
 * @param {string[]} files all that it is made from
 * @param {(folder: string) => Promise<void>} make throws a sentence when it can't be made here
 * @param {(line: string) => void} say
 * @returns {Promise<{ folder: string } | { reason: string }>}
 */
export async function madeOnce(name, files, make, say) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${readFileSync(file).length}\n`).update(readFileSync(file))
  const folder = join(cacheFolder, `${name}-sdk-${hash.digest('hex').slice(0, 16)}`)
  const isMade = () => existsSync(join(folder, 'made'))
  const build = async () => {
    if (isMade()) return
    say(`${name} SDK: making its program, once`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await make(folder)
    const beside = join(folder, randomUUID())
    await writeFile(beside, '')
    await rename(beside, join(folder, 'made'))
  }
  try {
    if (!isMade()) await oneAtATime(`${folder}.lock`, build, say)
    return { folder }
  } catch (error) {
    say(`${name} SDK: ${error.message}`)
    return { reason: error.message }
  }
}

/**
 * The end of a file that obtains such a program and may be run by itself: its command on stdout, or exit code 1.
 *
 * @param {string} url of the file
 * @param {(say: (line: string) => void) => Promise<string[] | string>} obtain
 */
export async function printCommandWhenRun(url, obtain) {
  if (url !== pathToFileURL(process.argv[1] ?? '').href) return
  const command = await obtain((line) => process.stderr.write(`${line}\n`))
  if (typeof command === 'string') process.exitCode = 1
  else process.stdout.write(`${command.join(' ')}\n`)
}
