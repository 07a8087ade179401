/**
 * From a class with declarations to one that Nest's `ListenersController` understands.
 *
 * C1. Each class has its own handlers: an inherited method is copied with its metadata, or two namespaces would share one.
 * C2. What can't work is refused when the class loads, with the place named. Nothing is ignored in silence.
 * C3. Compiling twice is compiling once: a subclass sees what was written, not what became of it (`parameters.ts`).
 */
import { InvalidError } from '@natter/primitives'
import { Controller } from '@nestjs/common'
import { EventPattern, MessagePattern } from '@nestjs/microservices'
import { NATTER, type Declaration, type Handler } from './handler.js'
import { declarationsOf } from './declare.js'
import { nestKeys } from './nest-names.js'
import { compileParameters } from './parameters.js'

export type ControllerRole = { of: 'connections' } | { of: 'channels'; namespace: string }

const roleKey = Symbol('natter:controller')

/** What our class decorator said of this very class; undefined = none of ours. */
export function roleOf(type: object): ControllerRole | undefined {
  return Reflect.getOwnMetadata(roleKey, type) as ControllerRole | undefined
}

/** The names of the methods, own and inherited, that are handlers. */
export function handlerNames(type: Class): string[] {
  return methodNames(type.prototype).filter((key) => findDeclared(type, key) !== undefined)
}

type Class = { readonly name: string; readonly prototype: object }
type Method = (...args: unknown[]) => unknown

// oxlint-disable-next-line typescript/no-unsafe-function-type -- what ClassDecorator gives
export function compileController(type: Function, role: ControllerRole): void {
  if (roleOf(type) !== undefined)
    refuse(type.name, 'is one controller: give it @ConnectionController or @ChannelController, once')
  if (Reflect.getOwnMetadata(nestKeys.controller, type) !== true) Controller()(type)
  Reflect.defineMetadata(roleKey, role, type)
  const target = type as unknown as Class
  for (const key of handlerNames(target)) compileMethod(target, key, role)
}

function compileMethod(type: Class, key: string, role: ControllerRole): void {
  const where = `${type.name}.${key}`
  const { prototype, declarations } = findDeclared(type, key)!
  const method = ownMethod(type, key, prototype)
  const handlers = declarations.map((declaration) => handlerOf(declaration, role, where))
  checkTogether(handlers, where)
  checkMethod(method, where)
  compileParameters(type, key, handlers)
  const pattern = handlers[0]!.use === 'answer' ? MessagePattern : EventPattern
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, key)!
  const addresses = handlers.map((handler) => handler.address)
  pattern(addresses, NATTER, { natter: handlers })(type.prototype, key, descriptor)
}

/** C1. */
function ownMethod(type: Class, key: string, prototype: object): Method {
  const method = (prototype as Record<string, Method>)[key]!
  if (prototype === type.prototype) return method
  const copy = {
    [key](this: unknown, ...args: unknown[]) {
      return method.apply(this, args)
    },
  }[key]!
  for (const name of Reflect.getMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(name, Reflect.getMetadata(name, method), copy)
  Object.defineProperty(type.prototype, key, { value: copy, writable: true, configurable: true })
  return copy
}

/** The declarations of the method that `key` is in this class, and the prototype that has them. */
function findDeclared(type: Class, key: string) {
  const chain = prototypesOf(type.prototype).filter((prototype) => Object.hasOwn(prototype, key))
  const index = chain.findIndex((prototype) => declarationsOf(prototype, key) !== undefined)
  if (index < 0) return undefined
  const isCopied = index > 0 && isCopy(chain[0]!, key)
  if (index > 0 && !isCopied)
    refuse(
      `${type.name}.${key}`,
      `overrides the handler of ${chain[index]!.constructor.name} and isn't one: write its decorator again`,
    )
  return { prototype: chain[index]!, declarations: declarationsOf(chain[index]!, key)! }
}

/** Whether the method is a copy that compiling made: it is in no source. */
function isCopy(prototype: object, key: string): boolean {
  const extras = Reflect.getMetadata(nestKeys.extras, (prototype as Record<string, Method>)[key]!) as
    { natter?: unknown } | undefined
  return extras?.natter !== undefined && declarationsOf(prototype, key) === undefined
}

function prototypesOf(prototype: object): object[] {
  const chain: object[] = []
  for (
    let at: object | null = prototype;
    at !== null && at !== Object.prototype;
    at = Reflect.getPrototypeOf(at)
  )
    chain.push(at)
  return chain
}

function methodNames(prototype: object): string[] {
  const names = prototypesOf(prototype).flatMap((at) => Object.getOwnPropertyNames(at))
  return [...new Set(names)].filter((name) => name !== 'constructor')
}

const connectionKinds: ReadonlySet<string> = new Set(['connect', 'refresh', 'disconnect', 'message', 'rpc'])
const anywhereKinds: ReadonlySet<string> = new Set(['disconnect', 'message', 'rpc'])

function handlerOf(declaration: Declaration, role: ControllerRole, where: string): Handler {
  const { kind } = declaration
  if (role.of === 'connections') {
    if (!connectionKinds.has(kind))
      refuse(where, `answers "${kind}", which belongs to a namespace: put it into a @ChannelController`)
    return { ...declaration, address: addressOf(declaration, undefined), where }
  }
  if (anywhereKinds.has(kind)) return { ...declaration, address: addressOf(declaration, undefined), where }
  if (connectionKinds.has(kind))
    refuse(where, `answers "${kind}", which belongs to no namespace: put it into a @ConnectionController`)
  return { ...declaration, namespace: role.namespace, address: addressOf(declaration, role.namespace), where }
}

function addressOf(declaration: Declaration, namespace: string | undefined): string {
  if (declaration.use === 'answer' && declaration.kind === 'rpc') return `rpc ${declaration.name ?? ''}`
  if (namespace === undefined) return declaration.kind
  return `${declaration.kind} ${namespace}:${declaration.path?.text ?? ''}`
}

/** What stands on one method. */
function checkTogether(handlers: readonly Handler[], where: string): void {
  const [first] = handlers
  if (handlers.some((handler) => handler.use !== first!.use))
    refuse(
      where,
      'both answers and hears: an answer is given once, an event may be told again. Make it two methods',
    )
  if (handlers.some((handler) => handler.schema !== first!.schema || handler.encoding !== first!.encoding))
    refuse(
      where,
      'has handlers with different schemas or encodings: a method has one payload. Make it two methods',
    )
}

function checkMethod(method: Method, where: string): void {
  if (Reflect.getMetadata(nestKeys.httpMethod, method) !== undefined)
    refuse(where, 'is an HTTP route and a handler of the mesh: make it two methods')
  const isOurs =
    (Reflect.getMetadata(nestKeys.extras, method) as { natter?: unknown } | undefined)?.natter !== undefined
  if (Reflect.getMetadata(nestKeys.pattern, method) !== undefined && !isOurs)
    refuse(
      where,
      'has a @MessagePattern or @EventPattern too, and Nest keeps one of them: make it two methods',
    )
}

function refuse(where: string, why: string): never {
  throw new InvalidError('bad-handler', `${where} ${why}.`)
}
