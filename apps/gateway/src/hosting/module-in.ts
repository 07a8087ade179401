/** What the decorator `@Module` writes, by name: the app's Nest may be another copy than ours. */
const marks = ['imports', 'controllers', 'providers', 'exports']

/**
 * The application's module in what a file exports: its default, or the only class with `@Module`.
 *
 * @throws Error a sentence: there is none, or more than one.
 */
export function moduleIn(exported: Readonly<Record<string, unknown>>): object {
  const { default: main } = exported
  if (isModule(main)) return main
  const inCommonJs = typeof main === 'object' && main !== null ? Object.values(main) : []
  const found = [...new Set([...Object.values(exported), ...inCommonJs])].filter(isModule)
  const [only] = found
  if (found.length === 1 && only !== undefined) return only
  if (found.length === 0)
    throw new Error('it exports no class with @Module; export the module of the application, as default')
  const names = found.map(({ name }) => name).join(', ')
  throw new Error(`it exports several classes with @Module (${names}); make the application's the default`)
}

function isModule(value: unknown): value is object & { name: string } {
  return typeof value === 'function' && marks.some((mark) => Reflect.hasOwnMetadata(mark, value))
}
