export {
  defineConfig,
  envNameOf,
  type ConfigDefinition,
  type ConfigOf,
  type ConfigOfSections,
  type CrossCheckProblem,
  type SettingInfo,
} from './config-definition.js'
export { defaultText } from './help.js'
export { configExitCode, loadConfigOrExit } from './load-config-or-exit.js'
export { loadConfig, type ConfigSources, type EffectiveSetting, type LoadedConfig } from './load-config.js'
export { didYouMean } from './near-miss.js'
export { printConfig } from './print-config.js'
export { describeProblem, type Problem } from './problem.js'
export { secretsOf } from './secrets-of.js'
export { processHost, type Host } from './process-host.js'
export { ConfigReloader, type ReloadReport, type Taken } from './config-reloader.js'
export {
  defineSection,
  reloadable,
  type DeepReadonly,
  type Section,
  type SectionConfig,
  type Setting,
  type Settings,
} from './section.js'
export { channelProblems, channelSection, namespacesOf } from './sections/channel.js'
export { grammarOf } from './sections/channel-signs.js'
export { logSection } from './sections/log.js'
export { natsOptionsOf, natsSection } from './sections/nats.js'
export { opsSection } from './sections/ops.js'
export { postgresSection } from './sections/postgres.js'
export {
  clientProxySchema,
  proxyName,
  proxySchema,
  rpcOptionsSchema,
  type ProxyOptions,
  type StatusTransform,
  type SwitchedProxyOptions,
} from './sections/proxy.options.js'
export type { Origin } from './sources/source.js'
export { keysOfValue, type ValueKey } from './value-keys.js'
export { kindOf, ofKind } from './values/kind.js'
export { bytes } from './values/bytes.js'
export { duration } from './values/duration.js'
export { list } from './values/list.js'
export { network } from './values/network.js'
export { nodeName } from './values/node-name.js'
export { port } from './values/port.js'
export { secret } from './values/secret.js'
