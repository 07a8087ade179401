import { bytes, defineSection, reloadable } from '@natter/config'
import { z } from 'zod'

const isOpen = (doc: string) => ({ schema: z.boolean(), default: true, example: 'false', doc, shown: true })

export const transportSection = defineSection('transport', 'Which ways in are open to clients.', {
  ...reloadable({
    websocket: isOpen('/connection/websocket: what SDKs use where they can.'),
    http_stream: isOpen(
      '/connection/http_stream: where proxies break WebSockets. With /emulation, by which such clients speak.',
    ),
    sse: isOpen('/connection/sse: the same for an EventSource, JSON only.'),
    uni_websocket: isOpen('/connection/uni_websocket: for clients that only listen, without an SDK.'),
    uni_sse: isOpen('/connection/uni_sse: the same for a bare EventSource.'),
    uni_http_stream: isOpen(
      '/connection/uni_http_stream: the same for whatever reads a response line by line, such as curl.',
    ),
  }),
  websocket_compression: {
    schema: z.boolean(),
    default: false,
    example: 'true',
    doc: 'permessage-deflate where a WebSocket client offers it. It saves traffic and costs CPU for each subscriber of each message.',
    shown: true,
  },
  websocket_compression_min_size: {
    schema: bytes({ minBytes: 0 }),
    default: '256B',
    example: '1KiB',
    doc: 'Shorter messages are not compressed.',
    shown: true,
  },
})
