import { BadRequestException, Body, Controller, Header, HttpCode, Inject, Post } from '@nestjs/common'
import { ON_SESSION } from '../messenger.tokens.js'
import { judgeName } from './display-name.js'
import { SessionTokens } from './session-tokens.js'

interface Session {
  token: string
  user: string
  name: string
}

@Controller('session')
export class SessionController {
  constructor(
    @Inject(SessionTokens) private readonly tokens: SessionTokens,
    @Inject(ON_SESSION) private readonly onSession: (outcome: string) => void,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async open(@Body() body: unknown): Promise<Session> {
    const verdict = judgeName(nameIn(body))
    this.onSession(verdict.ok ? 'opened' : verdict.code)
    if (!verdict.ok) throw new BadRequestException({ code: verdict.code, message: verdict.message })
    const { user, name } = verdict
    return { token: await this.tokens.sign(user, name), user, name }
  }
}

function nameIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'name' in body ? body.name : undefined
}
