/** What the reference is made from: add an app's configuration and metrics here, once. */
import { gatewayConfig } from '../../apps/gateway/src/config/gateway.config.js'
import { gatewayMetrics } from '../../apps/gateway/src/gateway.metrics.js'
import { hookMetrics } from '../../apps/gateway/src/hooks/hooks.metrics.js'
import { httpHookMetrics } from '../../apps/gateway/src/http-hooks/http-hooks.metrics.js'
import { messengerConfig } from '../../apps/messenger/src/messenger.config.js'
import { messengerMetrics } from '../../apps/messenger/src/messenger.metrics.js'
import { meshMetrics } from '../../apps/natter/src/mesh/mesh.metrics.js'
import { persistenceConfig } from '../../apps/persistence/src/config/persistence.config.js'
import { persistenceMetrics } from '../../apps/persistence/src/persistence.metrics.js'
import type { ConfigDefinition } from '@natter/config'
import { processMetricTable, reloadMetrics, type MetricTable } from '@natter/observability'

/** Those that read files, environment and flags. */
export const configurations: readonly Pick<
  ConfigDefinition,
  'app' | 'sections' | 'foreignSections' | 'settings'
>[] = [gatewayConfig, persistenceConfig, messengerConfig]

export const metricTables: readonly { process: string; table: MetricTable }[] = [
  { process: 'Every process', table: { ...processMetricTable, ...reloadMetrics } },
  { process: 'Gateway', table: gatewayMetrics },
  { process: 'Gateway, about apps', table: hookMetrics },
  { process: 'Gateway, about hooks over HTTP', table: httpHookMetrics },
  { process: 'Persistence', table: persistenceMetrics },
  { process: 'Messenger', table: messengerMetrics },
  { process: 'Supervisor (`npm start`)', table: meshMetrics },
]
