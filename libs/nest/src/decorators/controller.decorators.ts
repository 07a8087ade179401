import { InvalidError } from '@natter/primitives'
import { compileController } from './compile.js'

/**
 * Hooks and events of connections, which belong to no namespace: connect, refresh, disconnect, `send`, and rpc. Goes into
 * `controllers` of a module.
 */
export function ConnectionController(): ClassDecorator {
  return (target) => compileController(target, { of: 'connections' })
}

const namespacePattern = /^[-.\w]*$/

/**
 * Answers for the channels of a namespace, `''` = those without one; may also hold rpc methods and, under a `@Controller`, HTTP
 * routes. The namespace itself is configured at the gateways. Goes into `controllers` of a module.
 */
export function ChannelController(namespace: string): ClassDecorator {
  if (typeof namespace !== 'string' || !namespacePattern.test(namespace))
    throw new InvalidError(
      'bad-namespace',
      `@ChannelController(${JSON.stringify(namespace)}): a namespace has letters, digits, '_', '-' and '.', and nothing after it.`,
    )
  return (target) => compileController(target, { of: 'channels', namespace })
}
