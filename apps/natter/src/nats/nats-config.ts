import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface NatsConfig {
  host: string
  port: number
  storeFolder: string
}

/**
 * One server on this machine. It syncs its files each second: a crash of any process loses nothing, a power cut may take the
 * last second (docs/guarantees.md, G1).
 */
export function writeNatsConfig(file: string, { host, port, storeFolder }: NatsConfig): void {
  mkdirSync(dirname(file), { recursive: true })
  const lines = [
    '# Written at each start by the supervisor.',
    'server_name: natter-embedded',
    `listen: ${JSON.stringify(`${host}:${port}`)}`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeFolder)}`,
    '  sync_interval: 1s',
    '}',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
}
