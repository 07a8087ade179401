/** Commands that run a mesh on this machine. */
import type { Command } from '../cli/command.js'
import { argument, flag, folder, port, text } from '../cli/values.js'
import { basePort, data } from './flags.js'

export const gatewayPort = flag('port', port(), 'Its own port (else any free one)')
export const projectFolder = argument(
  'folder',
  folder(),
  'Where the project goes; its last name is the app’s',
)
export const appName = argument('name', text('<name>'), 'The app’s name')

const environment =
  'NATTER_NATS_URL names a running NATS to use instead of the embedded one, NATTER_POSTGRES_URL or NATTER_POSTGRES_URL_FILE a running Postgres.'

export const meshCommands = {
  start: {
    summary: 'A mesh on this machine: NATS, Postgres, two gateways, persistence, the messenger',
    about: [
      environment,
      'Ends when it is asked to by Ctrl-C. With --json each line that it says is a JSON object.',
    ],
    flags: [basePort, data],
    examples: [
      { line: 'start', doc: 'on port 8000 and those above' },
      { line: 'start --port 9000 --data /tmp/mesh', doc: 'a second one' },
    ],
  },
  dev: {
    summary: 'The same from source, restarted when you save',
    about: [
      environment,
      'The inspectors of gateways, messenger and persistence are on the ports that it prints.',
    ],
    flags: [basePort, data],
    examples: [{ line: 'dev', doc: 'and save a file' }],
  },
  'dev gateway': {
    summary: 'One more gateway from source, for the mesh at NATTER_NATS_URL',
    flags: [gatewayPort, data],
    examples: [{ line: 'dev gateway', doc: 'with NATTER_NATS_URL=nats://127.0.0.1:8020' }],
  },
  new: {
    summary: 'A project for an app of your own, with all it needs',
    args: [projectFolder],
    examples: [{ line: 'new ../my-app', doc: 'then cd ../my-app and npm install' }],
  },
  'apps forget': {
    summary: 'Takes an app that is gone for good out of the mesh',
    about: [
      'The mesh at NATTER_NATS_URL, else the one that natter start runs here. What the app answered is decided by the namespaces from then on.',
    ],
    args: [appName],
    flags: [basePort],
    examples: [{ line: 'apps forget chat', doc: 'until chat starts again' }],
  },
} as const satisfies Record<string, Command>
