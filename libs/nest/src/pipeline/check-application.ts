/** What of a whole application can't be answered rightly. Each refusal is a sentence that names the place. */
import type { ModulesContainer } from '@nestjs/core'
import { handlerNames, roleOf } from '../decorators/compile.js'
import { RESOLVED_OPTIONS } from '../natter.options.js'

type Class = { readonly name: string; readonly prototype: object }

/** Empty = all is well. */
export function checkApplication(modules: ModulesContainer, own: object): string[] {
  const all = [...modules.values()]
  const controllers = all.flatMap((module) => [...module.controllers.values()])
  const providers = all.flatMap((module) => [...module.providers.values()])
  return [
    ...once(all.filter((module) => module.providers.has(RESOLVED_OPTIONS)).length),
    ...controllers.flatMap((wrapper) => checkController(wrapper)),
    ...providers.flatMap(({ metatype }) => checkProvider(metatype)),
    ...foreignStrategies(modules, own),
  ]
}

function once(count: number): string[] {
  if (count < 2) return []
  return [
    'NatterModule.forRoot() is imported twice, and each call is another module: keep its result in a constant and import that.',
  ]
}

interface Wrapper {
  readonly metatype: unknown
  isDependencyTreeStatic(): boolean
}

function checkController(wrapper: Wrapper): string[] {
  const type = classOf(wrapper.metatype)
  if (type === undefined) return []
  const [first] = handlerNames(type)
  if (roleOf(type) === undefined) return first === undefined ? [] : [undecorated(type, first)]
  if (wrapper.isDependencyTreeStatic()) return []
  return [
    `${type.name} is request-scoped, by itself, by what it depends on or by an APP_* enhancer: the mesh has no requests to make it for. ` +
      'Take what you need from the context.',
  ]
}

function checkProvider(metatype: unknown): string[] {
  const type = classOf(metatype)
  if (type === undefined) return []
  if (roleOf(type) !== undefined)
    return [`${type.name} is a controller: list it in controllers, not in providers.`]
  const [first] = handlerNames(type)
  return first === undefined ? [] : [undecorated(type, first)]
}

function undecorated(type: Class, key: string): string {
  return `${type.name}.${key} is a handler, and ${type.name} is neither a @ConnectionController nor a @ChannelController.`
}

/** Providers made by a function have that function for a metatype. */
function classOf(metatype: unknown): Class | undefined {
  return typeof metatype === 'function' &&
    typeof metatype.prototype === 'object' &&
    metatype.prototype !== null
    ? metatype
    : undefined
}

/** One without a transportId is given our handlers too, and could feed them contexts of its own making. */
function foreignStrategies(modules: ModulesContainer, own: object): string[] {
  const found: { transportId?: unknown; constructor: { name: string } }[] = []
  modules
    .getRpcTargetRegistry<(typeof found)[number]>()
    .subscribe((target) => found.push(target))
    .unsubscribe()
  return found
    .filter((target) => target !== own && target.transportId === undefined)
    .map(
      ({ constructor }) =>
        `The strategy ${constructor.name} has no transportId, so Nest would give it the mesh's handlers: give it one.`,
    )
}
