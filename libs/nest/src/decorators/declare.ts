/** Method decorators write down what was said; `compile.ts` makes Nest's metadata of it when the class is complete. */
import 'reflect-metadata'
import { InvalidError } from '@natter/primitives'
import { isStandardSchema } from '../pipeline/standard-schema.js'
import type { Declaration } from './handler.js'

const declarationsKey = Symbol('natter:declarations')

/** Adds a declaration to the method `key` of the prototype `target`. */
export function declare(target: object, key: string, declaration: Declaration): void {
  if (typeof target === 'function')
    throw new InvalidError('static-handler', `${target.name}.${key} is static: a handler is a method.`)
  const declared = declarationsOf(target, key) ?? []
  Reflect.defineMetadata(declarationsKey, [declaration, ...declared], target, key)
}

/** Those of this very prototype, in the order they are written; undefined = none. */
export function declarationsOf(prototype: object, key: string): readonly Declaration[] | undefined {
  return Reflect.getOwnMetadata(declarationsKey, prototype, key) as readonly Declaration[] | undefined
}

const checks = {
  schema: isStandardSchema,
  reply: isStandardSchema,
  stores: isStandardSchema,
  idempotent: (value: unknown) => typeof value === 'boolean',
  encoding: (value: unknown) => value === 'json' || value === 'bytes',
  scope: (value: unknown) => value === 'group' || value === 'all' || value === 'node',
}

const expectations: Record<keyof typeof checks, string> = {
  schema: 'a Standard Schema',
  reply: 'a Standard Schema',
  stores: 'a Standard Schema',
  idempotent: 'true or false',
  encoding: "'json' or 'bytes'",
  scope: "'group', 'all' or 'node'",
}

/** @throws InvalidError `unknown-option`, `bad-option`. */
export function checkOptions(
  where: string,
  options: object,
  allowed: readonly (keyof typeof checks)[],
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!allowed.includes(name as never))
      throw new InvalidError(
        'unknown-option',
        `${where} has no option "${name}"; it has ${allowed.join(', ') || 'none'}.`,
      )
    const option = name as keyof typeof checks
    if (value !== undefined && !checks[option](value))
      throw new InvalidError('bad-option', `The option "${name}" of ${where} is ${expectations[option]}.`)
  }
}
