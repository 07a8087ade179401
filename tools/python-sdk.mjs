/**
 * Makes a virtual environment with the official Python SDK for the program of test/conformance/python: from the package index that pip is
 * configured for, by the hashes of its requirements.txt.
 *
 *   node tools/python-sdk.mjs
 */
import { platform } from 'node:os'
import { join } from 'node:path'
import { aptInstall } from './apt.mjs'
import { root } from './paths.mjs'
import { run } from './run.mjs'
import { madeOnce, printCommandWhenRun } from './sdk-program.mjs'

const source = join(root, 'test', 'conformance', 'python')
const requirements = join(source, 'requirements.txt')
const pythonIn = (folder) =>
  platform() === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')

async function make(folder) {
  await environment(folder)
  const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check']
  const exactly = ['--require-hashes', '--only-binary', ':all:', '--no-compile', '-r', requirements]
  const { ok, reason } = await run(pythonIn(folder), [...args, ...exactly], { timeoutMs: 300_000 })
  if (!ok) throw new Error(`pip: ${reason}`)
}

/** Debian has Python without what makes environments; where we may, that is installed. */
async function environment(folder) {
  const made = await run('python3', ['-m', 'venv', '--clear', folder])
  if (made.ok) return
  const { ok, reason } = await aptInstall(['python3-venv'])
  if (!ok) throw new Error(`${made.reason}; ${reason}`)
  const again = await run('/usr/bin/python3', ['-m', 'venv', '--clear', folder])
  if (!again.ok) throw new Error(again.reason)
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string[] | string>} its command, or the reason why there is none
 */
export async function obtainPythonSdk(say) {
  const made = await madeOnce('python', [requirements], make, say)
  return 'folder' in made ? [pythonIn(made.folder), '-B', join(source, 'main.py')] : made.reason
}

await printCommandWhenRun(import.meta.url, obtainPythonSdk)
