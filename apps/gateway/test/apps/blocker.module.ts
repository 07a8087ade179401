/** An app for a gateway to load: whose handler blocks the loop of both, for as long as it is told. */
import { ConnectionController, NatterModule, OnConnect, Rpc } from '@natter/nest'
import { Module } from '@nestjs/common'

@ConnectionController()
class Blocker {
  @OnConnect() connect() {
    return { user: 'ana' }
  }

  @Rpc('block') block({ ms }: { ms: number }) {
    process.stdout.write('blocking\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    return {}
  }
}

const nats = {
  url: process.env['NATTER_NATS_URL'] ?? '',
  prefix: process.env['NATTER_NATS_PREFIX'] ?? 'natter',
}

@Module({
  imports: [NatterModule.forRoot({ app: 'blocker', nats })],
  controllers: [Blocker],
})
export class BlockerModule {}
