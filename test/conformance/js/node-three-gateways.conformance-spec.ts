import { isForNode, startInNode } from './node-world.js'
import { registerLaws } from './register.js'

/** Every new connection goes to the next gateway: a command's POST to another one than the stream of its connection. */
registerLaws({
  name: 'the official JavaScript SDK in Node, three gateways behind a round-robin proxy',
  gateways: 3,
  isFor: isForNode,
  start: startInNode,
})
