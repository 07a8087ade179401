import { text } from 'node:stream/consumers'
import { runLine } from './commands/run-line.js'

const code = await runLine(process.argv.slice(2), {
  env: process.env,
  cwd: process.env['INIT_CWD'] ?? process.cwd(), // under npm: where it was called, not where it runs its scripts
  workingFolder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => {
    if (process.stdin.isTTY) process.stderr.write('Reads what you type; Ctrl-D ends it.\n')
    return text(process.stdin)
  },
})

/** All that was written has gone out: to a pipe of another system it may take a while. */
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
)
process.exit(code)
