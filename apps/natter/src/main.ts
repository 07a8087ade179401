import { forgetAppOfMesh } from './apps/forget-app.js'
import { help, readCommandLine } from './command-line.js'
import { runDev } from './dev/run-dev.js'
import { runDevGateway } from './dev/run-dev-gateway.js'
import { builtPrograms, repositoryRoot, sourcePrograms } from './mesh/programs.js'
import { newApp } from './new/new-app.js'
import { host, planPorts } from './port-plan.js'
import { runMesh } from './run-mesh.js'

async function main(): Promise<number> {
  const root = repositoryRoot()
  const command = readCommandLine(process.argv.slice(2), process.env, process.cwd())
  switch (command.is) {
    case 'help':
      process.stdout.write(help)
      return 0
    case 'mistake':
      process.stderr.write(`${command.sentence}\n`)
      return 78
    case 'new': {
      const next = await newApp(command.folder, root)
      process.stdout.write(
        `${command.folder} is ready. Next:\n\n${next.map((line) => `  ${line}\n`).join('')}`,
      )
      return 0
    }
    case 'forget-app': {
      const { nats } = planPorts(command.basePort)
      const said = await forgetAppOfMesh(command.app, process.env, `nats://${host}:${nats}`)
      process.stdout.write(`${said}\n`)
      return 0
    }
    case 'start':
      return runMesh({ ...command, root, programs: builtPrograms(root), dev: false })
    case 'dev':
      return runDev({ ...command, root, programs: sourcePrograms(root), sourceRoot: root, page: true })
    case 'dev-gateway':
      return runDevGateway({ ...command, root })
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
