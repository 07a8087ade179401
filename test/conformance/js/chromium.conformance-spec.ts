import { startBrowser } from './chromium/browser.js'
import { registerLaws } from './register.js'

/**
 * The laws that a browser could break where Node does not: its own WebSocket, EventSource and fetch, its rules of Origin, its six
 * connections for each server. The others are about what the server says, which Node shows.
 */
registerLaws({
  name: 'the official JavaScript SDK in Chromium, three gateways behind a round-robin proxy',
  gateways: 3,
  isFor: ({ inBrowser }) => inBrowser === true,
  start: startBrowser,
})
