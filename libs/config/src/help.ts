import type { ConfigDefinition, SettingInfo } from './config-definition.js'

/** What `--help` prints: every setting with its variable, what it takes, its default. */
export function printHelp({ app, sections, settings }: ConfigDefinition): string {
  const lines = [
    `Settings of ${app}. Flags win over the environment, the environment over the file, the file over the defaults.`,
    '',
    '  --config <file>     YAML or JSON with these settings (NATTER_CONFIG)',
    '  --print-config      show what is in effect and where it comes from, and exit',
    '  --help              this text',
  ]
  for (const { name, doc } of sections) {
    lines.push('', `${name}: ${doc}`)
    for (const info of settings) if (info.section === name) lines.push('', ...describe(info))
  }
  return `${lines.join('\n')}\n`
}

function describe({ path, env, envFile, setting, kind, isRequired }: SettingInfo): string[] {
  const names = envFile === undefined ? env : `${env}, or a file named by ${envFile}`
  return [`  --${path}   (${names})`, `      ${setting.doc}`, `      ${takes(kind, setting, isRequired)}`]
}

function takes(kind: string, setting: SettingInfo['setting'], isRequired: boolean): string {
  const sentence = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}.`
  if (isRequired) return `${sentence} Required, for example ${setting.example}`
  return setting.default === undefined
    ? `${sentence} For example ${setting.example}`
    : `${sentence} Default: ${defaultText(setting.default)}`
}

/** A default as one would write it. */
export function defaultText(value: unknown): string {
  if (Array.isArray(value) && value.length === 0) return 'empty'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
