/** An app for a gateway to load: it says on stdout, with the gateway's name, whom of that gateway's own it heard leave. */
import {
  ConnectionController,
  Natter,
  NatterModule,
  OnConnect,
  OnDisconnect,
  Rpc,
  type ConnectContext,
  type DisconnectContext,
} from '@natter/nest'
import { Inject, Module } from '@nestjs/common'

const node = process.env['NATTER_HOST_NODE'] ?? 'nobody'
const say = (what: string): void => void process.stdout.write(`${node}: ${what}\n`)

@ConnectionController()
class Attendance {
  constructor(@Inject(Natter) private readonly natter: Natter) {}

  @OnConnect() connect(_: unknown, { token }: ConnectContext) {
    return { user: token ?? '' }
  }

  @OnDisconnect({ scope: 'node' }) left(_: unknown, { user }: DisconnectContext) {
    say(`${user.id} left`)
  }

  /** Still at work when the gateway is stopped. */
  @Rpc('work') async work() {
    say('at work')
    await new Promise<void>((resolve) => process.once('SIGTERM', () => setTimeout(resolve, 300)))
    await this.natter.publish('room:a', { done: node })
    say('done')
  }
}

@Module({
  imports: [NatterModule.forRoot({ app: 'attendance', nats: { url: process.env['NATTER_NATS_URL'] ?? '' } })],
  controllers: [Attendance],
})
export class AttendanceModule {}
