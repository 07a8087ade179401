import { join } from 'node:path'
import { build } from 'vite'

/** Builds the messenger's page now and at each save, until who started us is gone. Runs in the repository's folder. */
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))

const watcher = await build({
  root: join(process.cwd(), 'apps', 'messenger', 'web'),
  logLevel: 'warn',
  build: { outDir: join(process.cwd(), 'dist', 'apps', 'messenger', 'web'), emptyOutDir: true, watch: {} },
})
if ('on' in watcher) {
  watcher.on('event', (event) => {
    if (event.code === 'END') process.send?.({ type: 'ready', details: {} })
    if (event.code === 'ERROR') console.error(event.error.message)
  })
}
