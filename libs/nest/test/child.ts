/** An application in its own process: for signals. Says what happens on stdout, and runs TypeScript as tools/ do. */
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ConnectionController, NatterModule, Rpc } from '../src/index.js'
import { FakeDriver } from './fake-driver.js'

const say = (line: string) => process.stdout.write(`${line}\n`)
const driver = new FakeDriver(say)
const isFailing = process.argv.includes('--failing-drain')

class Db implements OnModuleDestroy {
  isOpen = true
  onModuleDestroy() {
    this.isOpen = false
    say('CLOSED')
  }
}

@ConnectionController()
class Slow {
  constructor(@Inject(Db) private readonly db: Db) {}
  @Rpc('slow') async slow() {
    say('WORKING')
    // the second signal comes in the middle of the drain, however late it is
    await new Promise((resolve) => driver.onDrain(() => process.once('SIGTERM', resolve)))
    say(`DONE with a database ${this.db.isOpen ? 'open' : 'closed'}`)
  }
}

const natter = NatterModule.forRoot({ app: 'child', driver })
@Module({ imports: [natter], controllers: [Slow], providers: [Db] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true })
setInterval(() => {}, 1_000)
if (isFailing) driver.failWith = new Error('no way')
if (isFailing) say('WORKING')
else void driver.client.rpc('slow')
