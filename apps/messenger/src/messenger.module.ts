import { Module, type DynamicModule } from '@nestjs/common'
import { GATEWAYS, ON_SESSION, TOKEN_SECRET } from './messenger.tokens.js'
import { PageConfigController } from './page/page-config.controller.js'
import { SessionTokens } from './session/session-tokens.js'
import { SessionController } from './session/session.controller.js'

export interface MessengerOptions {
  /** WebSocket addresses, in the order that the page numbers them. */
  gateways: readonly string[]
  /** HS256, the gateways' own. */
  tokenSecret: string
  /** Told of each request for a session: `opened`, or the code of the refusal. */
  onSession?: (outcome: string) => void
}

@Module({})
export class MessengerModule {
  static forRoot({ gateways, tokenSecret, onSession = () => {} }: MessengerOptions): DynamicModule {
    return {
      module: MessengerModule,
      controllers: [PageConfigController, SessionController],
      providers: [
        SessionTokens,
        { provide: GATEWAYS, useValue: gateways },
        { provide: ON_SESSION, useValue: onSession },
        { provide: TOKEN_SECRET, useValue: tokenSecret },
      ],
    }
  }
}
