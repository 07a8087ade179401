import { ConfigurableModuleBuilder, Module } from '@nestjs/common'
import { createNatsDriver } from './driver/nats/index.js'
import type { MeshDriver } from './driver/mesh-driver.js'
import { NatterHealth } from './health/natter.health.js'
import {
  natsOptions,
  resolveOptions,
  MESH_DRIVER,
  RESOLVED_OPTIONS,
  type NatterOptions,
  type ResolvedOptions,
} from './natter.options.js'
import { Natter } from './natter.js'
import { MeshEdgeModule } from './pipeline/edge.js'
import { NatterServer } from './pipeline/server.js'

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<NatterOptions>({
  moduleName: 'Natter',
})
  .setClassMethodName('forRoot')
  .setExtras({}, (definition) => ({ ...definition, global: true }))
  .build()

/** Injection token of what `forRoot` was given. */
export const NATTER_OPTIONS = MODULE_OPTIONS_TOKEN

const identityOf = ({ app, instance, node }: ResolvedOptions) => ({
  app,
  instance,
  ...(node === undefined ? {} : { node }),
})

/**
 * Joins the mesh when the application has started, in whatever form Nest runs it, and leaves it before anything else stops.
 * Controllers of any module are found; {@link Natter}, {@link NatterHealth} and {@link NatterServer} can be injected everywhere.
 *
 * Import it once: `const natter = NatterModule.forRoot({ app: 'chat', nats: { url } })`.
 */
@Module({
  imports: [MeshEdgeModule],
  providers: [
    { provide: RESOLVED_OPTIONS, useFactory: resolveOptions, inject: [MODULE_OPTIONS_TOKEN] },
    {
      provide: MESH_DRIVER,
      useFactory: (options: NatterOptions, resolved: ResolvedOptions): MeshDriver =>
        options.driver ?? createNatsDriver({ ...natsOptions(options), ...identityOf(resolved) }),
      inject: [MODULE_OPTIONS_TOKEN, RESOLVED_OPTIONS],
    },
    Natter,
    NatterHealth,
    NatterServer,
  ],
  exports: [Natter, NatterHealth, NatterServer, MESH_DRIVER, RESOLVED_OPTIONS],
})
export class NatterModule extends ConfigurableModuleClass {}
