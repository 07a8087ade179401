/**
 * What a call costs between driver and handler, one after the other: `node --import ./tools/typescript.mjs
 * libs/nest/test/pipeline-cost.ts`. Medians of 7 rounds of 60,000, in nanoseconds of CPU.
 */
import { Module, UseGuards, UseInterceptors, type CanActivate, type NestInterceptor } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { z } from 'zod'
import {
  ChannelController,
  CurrentUser,
  deny,
  NatterModule,
  OnPublish,
  Param,
  Payload,
  type PublishContext,
} from '../src/index.js'
import { at, bytesOf, caller, FakeDriver } from './fake-driver.js'

const Message = z.object({ text: z.string().min(1).max(500) })
type Message = z.infer<typeof Message>

class Yes implements CanActivate {
  canActivate = () => true
}
class Through implements NestInterceptor {
  intercept: NestInterceptor['intercept'] = (_, next) => next.handle()
}

@ChannelController('n')
class Bench {
  @OnPublish('bare') bare() {}
  @UseGuards(Yes) @OnPublish('guard-schema', { schema: Message }) byPosition(
    _: Message,
    context: PublishContext,
  ) {
    return context.signal.aborted ? deny() : undefined
  }
  @UseGuards(Yes)
  @OnPublish('full-:room', { schema: Message })
  full(@Payload() message: Message, @Param('room') room: string, @CurrentUser('id') id: string) {
    if (message.text === room && id === '') throw new Error('never')
  }
  @UseInterceptors(Through) @OnPublish('interceptor') interceptor() {}
  @OnPublish('deny') denies() {
    return deny(1409, 'closed')
  }
  @UseGuards({ canActivate: () => false }) @OnPublish('refused') refused() {}
}

const driver = new FakeDriver()
const natter = NatterModule.forRoot({ app: 'bench', driver })
@Module({ imports: [natter], controllers: [Bench] })
class AppModule {}
const app = await NestFactory.createApplicationContext(AppModule, { logger: false })

const data = bytesOf({ text: 'hello, world' })
const { signal } = new AbortController()
const ask = (rest: string) =>
  driver.app!.answer<'publish'>(
    { kind: 'publish', caller, ...at(`n:${rest}`), data },
    { signal, progress: () => undefined },
  )

async function roundNs(rest: string, calls: number): Promise<number> {
  const start = process.cpuUsage() // not the clock: others use this machine too
  for (let i = 0; i < calls; i++) await ask(rest)
  const { user, system } = process.cpuUsage(start)
  return ((user + system) * 1_000) / calls
}

for (const rest of ['bare', 'guard-schema', 'full-1', 'interceptor', 'deny', 'refused']) {
  await roundNs(rest, 20_000)
  const rounds: number[] = []
  for (let i = 0; i < 7; i++) rounds.push(await roundNs(rest, 60_000))
  process.stdout.write(`${rest}: ${Math.round(rounds.toSorted((a, b) => a - b)[3]!)} ns\n`)
}
await app.close()
