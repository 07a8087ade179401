import { Controller, Get, Header, Inject } from '@nestjs/common'
import { GATEWAYS } from '../messenger.tokens.js'

/** What the page must know before it can connect. */
@Controller('config.json')
export class PageConfigController {
  constructor(@Inject(GATEWAYS) private readonly gateways: readonly string[]) {}

  @Get()
  @Header('cache-control', 'no-store')
  read(): { gateways: readonly string[] } {
    return { gateways: this.gateways }
  }
}
