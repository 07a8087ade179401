import { isForNode, startInNode } from './node-world.js'
import { registerLaws } from './register.js'

registerLaws({
  name: 'the official JavaScript SDK in Node',
  gateways: 1,
  isFor: isForNode,
  start: startInNode,
})
