import type { ConfigDefinition, ConfigOfSections } from './config-definition.js'
import { printHelp } from './help.js'
import { loadConfig } from './load-config.js'
import { printConfig } from './print-config.js'
import { describeProblem, type Problem } from './problem.js'
import { processHost, type Host } from './process-host.js'
import { redact } from './redact.js'
import type { Section } from './section.js'
import { readFlags } from './sources/flags.js'
import { isDeepStrictEqual } from 'node:util'

/** EX_CONFIG of sysexits.h: restarting won't help, somebody must change the configuration. */
export const configExitCode = 78

/**
 * For `main.ts`: the configuration of this process, or the end of it. Problems go to stderr, all of them, and end with 78;
 * `--print-config` and `--help` print and end with 0.
 */
export function loadConfigOrExit<const S extends readonly Section[]>(
  definition: ConfigDefinition<S>,
  host: Host = processHost,
): ConfigOfSections<S> {
  if (hasSecretFlag(definition, host.argv)) host.showAs(`natter ${definition.app}`)
  const loaded = loadConfig(definition, host)
  if (loaded.wants === 'help') {
    host.print(printHelp(definition))
    return host.exit(0)
  }
  if (!loaded.ok) {
    host.printError(printProblems(definition.app, loaded.problems))
    return host.exit(configExitCode)
  }
  if (loaded.wants === 'print') {
    host.print(printConfig(definition.app, loaded.effective))
    return host.exit(0)
  }
  return loaded.config
}

/** Everybody on a machine sees the arguments of its processes. */
function hasSecretFlag(definition: ConfigDefinition, argv: readonly string[]): boolean {
  const { values } = readFlags(definition, argv)
  return definition.settings.some((info) => {
    const given = values.get(info.path)
    return given !== undefined && !isDeepStrictEqual(redact(info, given.value), given.value)
  })
}

function printProblems(app: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  const lines = problems.map((problem) => `  - ${describeProblem(problem)}`)
  return [`${app} can't start: ${count} in its configuration.`, ...lines, '  All settings: --help', ''].join(
    '\n',
  )
}
