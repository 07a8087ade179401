export { crashWith } from './crash-with.js'
export {
  HealthChecks,
  type HealthCheck,
  type HealthCheckOptions,
  type HealthReport,
} from './health-checks.js'
export { createLogger, type JsonLoggerOptions, type LeveledLogger, type LogSink } from './json-logger.js'
export { logBroker } from './log-broker.js'
export { noLogger, type Fields, type Logger, type LogLevel } from './logger.js'
export { defineMetrics, type MetricDeclaration, type MetricTable } from './metric-table.js'
export {
  Metrics,
  processMetricTable,
  type CounterHandle,
  type GaugeHandle,
  type Handles,
  type HistogramHandle,
  type MetricsOptions,
  type Readings,
} from './metrics.js'
export { nestLogger, type NestLogger } from './nest-logger.js'
export { onShutdown, type Shutdown, type ShutdownOptions } from './on-shutdown.js'
export { startOpsServer, type OpsServer, type OpsServerOptions } from './ops-server.js'
export { reloadMetrics, type Reload, type Reloaded, type ReloadProblem } from './reloads.js'
export { runOnce, type OnceOptions } from './run-once.js'
export { runProcess, type ProcessOptions, type StartedApp } from './run-process.js'
export { logEvents, observe, type LogLevels, type Wiring } from './subscribe.js'
export { exitWithSupervisor, reportReady } from './supervised.js'
export { watchTerminal } from './terminal.js'
export { throttle, type ThrottleOptions } from './throttle.js'
export { Veil } from './veil.js'
