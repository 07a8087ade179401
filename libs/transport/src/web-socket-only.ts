import type { HttpAnswer } from './transport.js'

/** What is said to plain requests where nobody wants them. */
export const webSocketOnly = (path: string, socketPath: string): HttpAnswer =>
  path === socketPath
    ? {
        status: 400,
        body: 'This address speaks WebSocket: connect with a Centrifugo SDK, not with a plain HTTP request.\n',
      }
    : { status: 404, body: 'Nothing here.\n' }
