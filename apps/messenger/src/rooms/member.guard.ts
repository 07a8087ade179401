import { isNatter, natterContext } from '@natter/nest'
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common'

/** Rooms are for those who have said a name: a client without a token, where gateways let one in, is nobody here. */
@Injectable()
export class MemberGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    if (!isNatter(host)) return false
    const context = natterContext(host)
    return 'user' in context && context.user.id !== ''
  }
}
