/**
 * Where the mesh joins the application: after everybody's bootstrap hooks, and gone before anybody's destroy hook.
 *
 * G1. No line in `main.ts`: the same in a bare context, an HTTP application, a microservice and a testing module.
 * G2. What can't be answered rightly is refused here, all of it at once, and nothing has come from the mesh yet.
 *
 * Leans on three things of Nest that aren't documented: `ModuleRef.container`, the constructor of `NestMicroservice`, and the setter
 * `Module.distance`. Each has its test.
 */
import { InvalidError } from '@natter/primitives'
import { Inject, Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import {
  ApplicationConfig,
  GraphInspector,
  ModuleRef,
  ModulesContainer,
  type NestContainer,
} from '@nestjs/core'
import { NestMicroservice } from '@nestjs/microservices'
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../natter.options.js'
import { checkApplication } from './check-application.js'
import { meshConfig } from './mesh-config.js'
import { makeFiltersSafe } from './safe-filters.js'
import { NatterServer } from './server.js'

@Injectable()
export class MeshEdge implements OnApplicationBootstrap, OnModuleDestroy {
  private isWired = false

  constructor(
    @Inject(NatterServer) private readonly server: NatterServer,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    for (const module of modules.values()) if (module.metatype === MeshEdgeModule) module.distance = -1 // last to start, first to stop
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.isWired) return // `microservice.init()` before `listen()` runs the hooks twice
    this.isWired = true
    const refusals = checkApplication(this.modules, this.server)
    if (refusals.length > 0) throw new InvalidError('app-refused', refusals.join('\n')) // G2
    const container = (this.moduleRef as unknown as { container: NestContainer }).container
    const host = new NestMicroservice(
      container,
      { strategy: this.server },
      new GraphInspector(container),
      meshConfig(this.config, this.options.isGlobal),
    )
    makeFiltersSafe(host)
    this.server.wire(() => host.registerListeners())
    await this.server.start()
  }

  onModuleDestroy(): Promise<void> {
    return this.server.leave()
  }
}

/** Not global, as `NatterModule` is: global modules count as the deepest, and would start first and stop last. */
@Module({ providers: [MeshEdge] })
export class MeshEdgeModule {}
