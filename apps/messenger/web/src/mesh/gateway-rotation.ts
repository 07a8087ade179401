/**
 * Which gateway the next socket goes to.
 *
 * The SDK keeps the transport that opened once for the whole life of the client, also when that address is gone. So the
 * list of gateways is kept here, one level below: the SDK opens "a WebSocket", and this decides where to. Every attempt
 * after the first takes the next address. That is safe because any gateway can serve any client, and quick because a
 * dead gateway costs one attempt, not a backoff.
 */
export interface Gateway {
  /** As people count, and as `?gateway=2` says it. */
  number: number
  url: string
}

export class GatewayRotation {
  readonly gateways: readonly Gateway[]
  #next: number

  constructor(
    urls: readonly string[],
    /** 1 = the first; anything that is not in the list counts as 1. */
    preferred: number,
    private readonly onAttempt: (gateway: Gateway) => void,
  ) {
    this.gateways = urls.map((url, index) => ({ number: index + 1, url }))
    this.#next = preferred >= 1 && preferred <= urls.length ? preferred - 1 : 0
  }

  take(): Gateway {
    const gateway = this.gateways[this.#next]
    if (!gateway) throw new Error('The messenger was given no gateway to connect to.')
    this.#next = (this.#next + 1) % this.gateways.length
    this.onAttempt(gateway)
    return gateway
  }

  /** For the SDK's option `websocket`: the address it passes is only a placeholder. */
  webSocketClass(): typeof WebSocket {
    const take = (): string => this.take().url
    return class extends WebSocket {
      constructor(_placeholder: string | URL, protocols?: string | string[]) {
        super(take(), protocols)
      }
    }
  }
}

/** `127.0.0.1:8101` of `ws://127.0.0.1:8101/connection/websocket`. */
export function hostOf(gateway: Gateway): string {
  try {
    return new URL(gateway.url).host
  } catch {
    return gateway.url
  }
}
