import { Catch, type ExceptionFilter } from '@nestjs/common'
import { throwError, type Observable } from 'rxjs'
import { clientErrorOf } from './client-errors.js'

/**
 * Asked last of all filters: without it Nest makes "Internal server error" of everything but an `RpcException`, before the
 * strategy sees it.
 */
@Catch()
export class ErrorsFilter implements ExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => clientErrorOf(exception))
  }
}
