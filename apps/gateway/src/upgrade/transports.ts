/** Which ways in are open. */
export interface Transports {
  readonly websocket: boolean
  readonly httpStream: boolean
  readonly sse: boolean
  readonly uniWebsocket: boolean
  readonly uniSse: boolean
  readonly uniHttpStream: boolean
}

export const allTransports: Transports = {
  websocket: true,
  httpStream: true,
  sse: true,
  uniWebsocket: true,
  uniSse: true,
  uniHttpStream: true,
}
