import { pathToFileURL } from 'node:url'

/**
 * The end of a file that obtains something and may be run by itself: what it obtained on stdout, or exit code 1; what it tries on stderr.
 *
 * @param {string} url of the file
 * @param {(say: (line: string) => void) => Promise<string | null>} obtain
 */
export async function printWhenRun(url, obtain) {
  if (url !== pathToFileURL(process.argv[1] ?? '').href) return
  const file = await obtain((line) => process.stderr.write(`${line}\n`))
  if (file === null) process.exitCode = 1
  else process.stdout.write(`${file}\n`)
}
