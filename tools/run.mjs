import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'

/**
 * Runs a command to its end and never throws: a command that can't be started, or that takes too long, is a failure with a
 * reason like any other.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, echo?: boolean, priority?: number }} [options] `echo` shows its
 *   output too; `priority` is that of the system, 19 the lowest
 * @returns {Promise<{ ok: boolean, code: number, stdout: string, stderr: string, reason: string }>}
 */
export function run(command, args, { cwd, env, timeoutMs = 120_000, echo = false, priority } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority)
    // Not spawn's own `timeout`: that one goes on when the command could not even be started.
    const timer = setTimeout(() => child.kill('SIGTERM'), timeoutMs)
    const out = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        out[name] += text
        if (echo) process[name].write(text)
      })
    }
    child.on('error', (error) => {
      clearTimeout(timer)
      const reason = error.code === 'ENOENT' ? `${command} is not installed` : error.message
      resolve({ ok: false, code: 127, ...out, reason })
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const reason = signal === null ? reasonIn(out, code) : `${command} was ended by ${signal}`
      resolve({ ok: code === 0, code: code ?? 1, ...out, reason })
    })
  })
}

/** The line that says most: the first one that speaks of an error, else the last one. */
function reasonIn({ stdout, stderr }, code) {
  const lines = `${stdout}\n${stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.find((line) => /^(e|err|error|fatal|npm error)\b.*\S/i.test(line)) ?? lines.at(-1)
  return telling?.slice(0, 200) ?? `exit code ${code}`
}
