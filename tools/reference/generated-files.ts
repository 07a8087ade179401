import { chartReadme } from './chart-readme.js'
import { chartSchemas } from './chart-schema.js'
import { commandLinePage } from './command-line-page.js'
import { configurationPage } from './configuration-page.js'
import { envExample } from './env-example.js'
import { errorCodesPage } from './error-codes-page.js'
import { eventsPage } from './events-page.js'
import { httpApiPage, openApiFile } from './http-api-page.js'
import { metricsPage } from './metrics-page.js'

/** Every generated file of the repository, by path. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['.env.example', envExample()],
    ['docs/reference/command-line.md', await commandLinePage()],
    ['docs/reference/configuration.md', await configurationPage()],
    ['docs/reference/error-codes.md', await errorCodesPage()],
    ['docs/reference/events.md', await eventsPage()],
    ['docs/reference/http-api.md', await httpApiPage()],
    ['docs/reference/metrics.md', await metricsPage()],
    ['docs/reference/openapi.json', await openApiFile()],
    ['helm/natter/README.md', await chartReadme()],
    ...(await chartSchemas()),
  ])
}
