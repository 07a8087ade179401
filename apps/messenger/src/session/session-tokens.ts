import { Inject, Injectable } from '@nestjs/common'
import { SignJWT } from 'jose'
import { TOKEN_SECRET } from '../messenger.tokens.js'

/** A page that stays open longer asks for another by itself. */
const LIFETIME = '12h'

/** Signs what the gateways check: they share the secret, nothing else. */
@Injectable()
export class SessionTokens {
  readonly #key: Uint8Array

  constructor(@Inject(TOKEN_SECRET) secret: string) {
    this.#key = new TextEncoder().encode(secret)
  }

  sign(user: string, name: string): Promise<string> {
    return new SignJWT({ info: { name } })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .sign(this.#key)
  }
}
