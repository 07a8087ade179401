import { NatterModule, type NatterNatsOptions } from '@natter/nest'
import { Module, type DynamicModule } from '@nestjs/common'
import { GATEWAYS, ON_SESSION, TOKEN_SECRET } from './messenger.tokens.js'
import { PageConfigController } from './page/page-config.controller.js'
import { RoomDirectory } from './rooms/room-directory.js'
import { RoomsController } from './rooms/rooms.controller.js'
import { SessionTokens } from './session/session-tokens.js'
import { SessionController } from './session/session.controller.js'

/** As long as a hook may take: `npm start` gives each app five seconds to end. */
const DRAIN_MS = 3_000

export interface MessengerOptions {
  /** WebSocket addresses, in the order that the page numbers them. */
  gateways: readonly string[]
  /** HS256, the gateways' own. */
  tokenSecret: string
  /** The gateways' own. */
  nats: NatterNatsOptions
  /** Told of each request for a session: `opened`, or the code of the refusal. */
  onSession?: (outcome: string) => void
}

@Module({})
export class MessengerModule {
  static forRoot({ gateways, tokenSecret, nats, onSession = () => {} }: MessengerOptions): DynamicModule {
    return {
      module: MessengerModule,
      imports: [NatterModule.forRoot({ app: 'messenger', nats, drainTimeoutMs: DRAIN_MS })],
      controllers: [PageConfigController, SessionController, RoomsController],
      providers: [
        RoomDirectory,
        SessionTokens,
        { provide: GATEWAYS, useValue: gateways },
        { provide: ON_SESSION, useValue: onSession },
        { provide: TOKEN_SECRET, useValue: tokenSecret },
      ],
    }
  }
}
