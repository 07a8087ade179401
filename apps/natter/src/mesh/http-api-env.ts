import { host } from '../port-plan.js'
import { settingInFile } from './settings-file.js'

const variable = 'NATTER_HTTP_API_KEY'

/** The server API of a gateway: on its planned port, with the user's key where the environment or the file has one, else with ours. */
export function httpApiEnv(
  root: string,
  port: number,
  key: string,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const isGiven = [variable, `${variable}_FILE`].some((name) => Boolean(env[name]))
  const hasKey = isGiven || settingInFile(root, ['http_api', 'key'], env) !== undefined
  return {
    NATTER_HTTP_API_HOST: host,
    NATTER_HTTP_API_PORT: String(port),
    ...(hasKey ? {} : { [variable]: key }),
  }
}
