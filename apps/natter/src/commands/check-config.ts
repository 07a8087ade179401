/** Settings, checked and shown by the apps' own loader. */
import { exitCodes } from '../cli/command.js'
import { printable } from '../cli/terminal.js'
import { app as appFlag, appOrAll, apps } from './configuration-table.js'
import type { Action } from './action.js'
import { readSettings, sentencesOf, settingsOf, sound, type App } from './settings.js'

export const checkConfig: Action = async (given, terminal) => {
  const chosen = given.of(appOrAll)
  const results = []
  for (const app of chosen === 'all' ? apps : [chosen]) {
    const settings = await settingsOf(app)
    const { loaded, file } = readSettings(settings, given, terminal)
    const problems = loaded.ok ? [] : loaded.problems
    results.push({ app, isOk: loaded.ok, problems, sentences: sentencesOf(settings.lib, problems), file })
  }
  const isOk = results.every((result) => result.isOk)
  const [first] = results
  const value = {
    ok: isOk,
    file: first?.file ?? null,
    apps: results.map(({ app, isOk: ok, problems }) => ({ app, ok, problems })),
  }
  const from =
    first?.file === undefined ? 'No file; the environment alone.' : `Read ${first.file} and the environment.`
  terminal.show(value, [from, ...results.map(lineOf)].join('\n'))
  return isOk ? exitCodes.done : exitCodes.failed
}

function lineOf({ app, isOk, sentences }: { app: App; isOk: boolean; sentences: readonly string[] }): string {
  if (isOk) return `${app}: nothing is wrong`
  const count = sentences.length === 1 ? 'one problem' : `${sentences.length} problems`
  return [`${app} would not start: ${count}`, ...sentences.map((one) => `  - ${printable(one)}`)].join('\n')
}

export const printConfiguration: Action = async (given, terminal) => {
  const app = given.of(appFlag)
  const settings = await settingsOf(app)
  const read = readSettings(settings, given, terminal)
  const { effective } = sound(settings.lib, read)
  const value = {
    app,
    file: read.file ?? null,
    settings: effective.map(({ info, origin, shown }) => ({
      key: info.path,
      ...(shown === undefined ? {} : { value: shown }),
      from: origin.from,
      ...('name' in origin ? { name: origin.name } : {}),
    })),
  }
  terminal.show(value, settings.lib.printConfig(app, effective).trimEnd())
  return exitCodes.done
}
