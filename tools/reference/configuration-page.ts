import { namespaceName } from '@natter/auth'
import {
  defaultText,
  keysOfValue,
  type Section,
  type Setting,
  type SettingInfo,
  type ValueKey,
} from '@natter/config'
import ts from 'typescript'
import { configurations } from './declarations.js'
import { code, generatedNote, page, sentence, shortKind, table } from './markdown.js'
import { commentOf, sourceFiles, walk } from './source-files.js'

export async function configurationPage(): Promise<string> {
  return await page(
    '# Configuration',
    generatedNote,
    introduction,
    ...sectionsOnce().map(({ section, apps, settings }) => describeSection(section, apps, settings)),
    describeValues(),
    '## The command natter\n\nStarts the apps on one machine and gives them their settings; its own few, and all its commands, are in [command line](command-line.md).',
  )
}

const introduction = `A setting is \`section.key\`. It comes from the strongest source that gives one:

${table(
  ['', 'Source', 'Written'],
  [
    ['1', 'flag', '`--gateway.port 8001` or `--gateway.port=8001`'],
    [
      '2',
      'environment',
      '`NATTER_GATEWAY_PORT=8001`; lists as `a,b`, objects as JSON; empty counts as unset',
    ],
    ['3', 'file', 'YAML or JSON, named by `--config` or `NATTER_CONFIG`; one file may serve all apps'],
    ['4', 'default', 'as below'],
  ],
)}

Durations are written \`250ms\`, \`25s\`, \`10m\`, \`1h30m\`; sizes \`64KiB\` (65,536 bytes), \`1MB\` (1,000,000 bytes). A secret can also come from
a file: \`…_FILE\` behind its variable names it. Whatever is wrong is told at once when an app starts, and it exits with 78; so are
unknown keys. \`--print-config\` shows what is in effect and where it comes from, without secrets; \`--help\` lists the settings. ↻ marks what
a process takes while it runs, when it gets SIGHUP ([how](../operations/configuration.md#reload)); the others wait for a restart.`

interface ReadSection {
  section: Section
  apps: string[]
  settings: SettingInfo[]
}

/** A section that several apps read stands here once. */
function sectionsOnce(): ReadSection[] {
  const found = new Map<Section, ReadSection>()
  for (const { app, sections, settings } of configurations) {
    for (const section of sections) {
      const own = settings.filter((info) => info.section === section.name)
      const entry = found.get(section) ?? { section, apps: [], settings: own }
      entry.apps.push(app)
      found.set(section, entry)
    }
  }
  return [...found.values()]
}

function describeSection(
  { name, doc }: Section,
  apps: readonly string[],
  settings: readonly SettingInfo[],
): string {
  const rows = settings.map((info) => [
    code(info.path),
    shortKind(info.kind),
    standard(info),
    `${info.setting.doc} ${variables(info)}${info.setting.isReloadable === true ? ' ↻' : ''}`,
  ])
  return `## ${name}\n\n${sentence(doc)} Read by: ${apps.join(', ')}.\n\n${table(['Key', 'Takes', 'Default', 'What it does'], rows)}`
}

function variables({ env, envFile }: SettingInfo): string {
  return envFile === undefined ? code(env) : `${code(env)} or ${code(envFile)}`
}

function standard({ setting, isRequired }: SettingInfo): string {
  if (isRequired) return 'required'
  return setting.default === undefined ? '' : shortDefault(setting)
}

function shortDefault({ default: value }: Setting): string {
  const isEmptyObject = typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return isEmptyObject ? 'empty' : code(Array.isArray(value) ? value.join(',') : defaultText(value))
}

/** Values that are objects have keys of their own; settings with the same keys share a table. */
function describeValues(): string {
  const byKeys = new Map<string, { paths: Set<string>; keys: ValueKey[] }>()
  for (const { path, setting } of configurations.flatMap(({ settings }) => settings)) {
    const keys = keysOfValue(setting.schema)
    if (keys.length === 0) continue
    const shared = keys.filter(({ key }) => key !== 'name')
    const id = shared.map(({ key }) => key).join(',')
    const entry = byKeys.get(id) ?? { paths: new Set(), keys: [] }
    entry.paths.add(path)
    if (keys.length > entry.keys.length)
      entry.keys = keys.toSorted((a, b) => Number(b.isRequired) - Number(a.isRequired))
    byKeys.set(id, entry)
  }
  const docs = commentsOfKeys()
  return [...byKeys.values()]
    .map(({ paths, keys }) => {
      const heading = `### Keys of ${[...paths].map((path) => code(path)).join(' and ')}`
      return `${heading}\n\n${table(
        ['Key', 'Takes', 'Default', 'What it does'],
        keys.map((key) => keyRow(key, new Map([...docs, ['name', nameOf(paths)]]))),
      )}`
    })
    .join('\n\n')
}

/** What the `name` is of one entry of a list: lists share the key, and mean each its own by it. */
const names: Readonly<Record<string, string>> = {
  'channel.namespaces': namespaceName.description ?? '',
  'rpc.namespaces': 'The text of a method before its first colon. Only in `rpc.namespaces`.',
  'proxies.named': 'By what `subscribe_proxy_name` and its like say it. Only in `proxies.named`.',
}

function nameOf(paths: ReadonlySet<string>): string {
  return [...paths].map((path) => names[path] ?? '').join('')
}

function keyRow(
  { key, kind, default: value, isRequired }: ValueKey,
  docs: ReadonlyMap<string, string>,
): string[] {
  const standardText = isRequired
    ? 'required'
    : value === undefined || value === ''
      ? ''
      : code(defaultText(value))
  const doc = docs.get(key)
  if (doc === undefined || doc === '')
    throw new Error(`${key} has no sentence: write it before the key, or with .describe()`)
  return [code(key), shortKind(kind), standardText, doc]
}

/** Keys of values are explained where their schema is written: in comments before them, or by the schema itself. */
function commentsOfKeys(): Map<string, string> {
  const docs = new Map<string, string>()
  for (const file of sourceFiles().filter(({ fileName }) => fileName.endsWith('.options.ts'))) {
    walk(file, (node) => {
      const comment = ts.isPropertyAssignment(node) ? commentOf(node) : ''
      if (ts.isPropertyAssignment(node) && comment !== '') docs.set(node.name.getText(), comment)
    })
  }
  return docs
}
