/** Flags that several commands have. */
import { defaulted, duration, file, flag, folder, port, text, address } from '../cli/values.js'
import { defaultBasePort, highestBasePort } from '../port-plan.js'

export const config = flag(
  'config',
  file(),
  'The file of settings (NATTER_CONFIG; else natter.yaml, if it is there)',
)

export const data = flag(
  'data',
  folder(),
  'The data folder of the mesh on this machine (NATTER_DATA, else .natter)',
)

export const basePort = flag(
  'port',
  port(highestBasePort),
  `The base of the ports (NATTER_PORT, else ${defaultBasePort})`,
)

export const apiUrl = flag(
  'api-url',
  address(),
  'Where the server API is (NATTER_API_URL, else the settings http_api.…, else the mesh of this machine)',
)

export const apiKeyFile = flag(
  'api-key-file',
  file(),
  'A file with the key of the API (else NATTER_HTTP_API_KEY, its _FILE, or http_api.key)',
)

export const apiKey = flag('api-key', text('<key>'), 'The key itself. Others on this machine can see it')

export const timeout = defaulted(
  'timeout',
  duration({ minMs: 1, maxMs: 600_000 }),
  '10s',
  'How long one answer may take',
)

export const api = [apiUrl, apiKeyFile, apiKey, config, data, timeout] as const
