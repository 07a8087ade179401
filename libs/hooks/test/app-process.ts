/** An app in a process of its own, for tests that stop or kill it: `app-process.ts <url> <prefix> <instance>`. Answers with its name. */
import { createNatsBroker } from '@natter/broker'
import { startApp } from './apps.js'

const [url = '', prefix = '', instance = ''] = process.argv.slice(2)
const broker = await createNatsBroker({ urls: [url], prefix, name: instance })
await startApp(instance, { broker })
process.stdout.write('ready\n')
