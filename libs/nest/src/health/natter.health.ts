import { Inject, Injectable } from '@nestjs/common'
import { NatterServer, type MeshStatus } from '../pipeline/server.js'

/** As `@nestjs/terminus` wants it, which isn't needed to use it. A type, because that one asks for an index signature. */
export type NatterHealthResult = {
  natter: { status: 'up' | 'down'; mesh: MeshStatus; isConnected: boolean; inFlight: number }
}

/** `health.check([() => natterHealth.check()])`: down from the first moment of a drain, so that balancers look elsewhere. */
@Injectable()
export class NatterHealth {
  constructor(@Inject(NatterServer) private readonly server: NatterServer) {}

  check(): NatterHealthResult {
    const { meshStatus: mesh, isConnected, inFlight } = this.server
    const status = mesh === 'up' && isConnected ? 'up' : 'down'
    return { natter: { status, mesh, isConnected, inFlight } }
  }
}
