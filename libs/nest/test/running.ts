import { afterEach } from '@jest/globals'
import { Module, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { NatterModule, type NatterOptions } from '../src/index.js'
import { FakeDriver } from './fake-driver.js'

const open: INestApplicationContext[] = []

export function closing<T extends INestApplicationContext>(app: T): T {
  open.push(app)
  return app
}

afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

/** A bare application on a fake mesh; closed after the test. */
export async function running(metadata: ModuleMetadata, options: Partial<NatterOptions> = {}) {
  const driver = new FakeDriver()
  const natter = NatterModule.forRoot({ app: 'test', driver, ...options })
  @Module({ ...metadata, imports: [natter, ...(metadata.imports ?? [])] })
  class AppModule {}
  const app = closing(
    await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }),
  )
  return { driver, app }
}
