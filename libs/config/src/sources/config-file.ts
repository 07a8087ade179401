import { LineCounter, parseDocument, visit } from 'yaml'
import type { ConfigDefinition } from '../config-definition.js'
import { didYouMean } from '../near-miss.js'
import type { Problem } from '../problem.js'
import { whyUnreadable, type Given, type ReadFile, type SourceReading } from './source.js'

/** Reads a YAML or JSON file of sections. A section or key without a value counts as unset. */
export function readConfigFile(
  definition: ConfigDefinition,
  file: string,
  readFile: ReadFile,
): SourceReading {
  let text: string
  try {
    text = readFile(file)
  } catch (error) {
    return failed(`The configuration file ${file} can't be read: ${whyUnreadable(error)}.`)
  }
  const parsed = parse(text, file)
  if ('message' in parsed) return failed(parsed.message)
  return readSections(definition, parsed.content, file)
}

function failed(message: string): SourceReading {
  return { values: new Map(), problems: [{ message }] }
}

/** JSON is YAML. Pretty errors are off because they quote the file, and what they quote may be a secret. */
function parse(text: string, file: string): { content: Record<string, unknown> } | { message: string } {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { prettyErrors: false, lineCounter })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    const why = error.code.toLowerCase().replaceAll('_', ' ')
    return {
      message: `The configuration file ${file} is not valid YAML or JSON: ${why} at line ${line}, column ${col}.`,
    }
  }
  let aliases = 0
  visit(document, { Alias: () => void (aliases += 1) })
  if (aliases > maxAliases)
    return { message: `The configuration file ${file} has more than ${maxAliases} aliases.` }
  const content: unknown = document.toJS() ?? {}
  return isMap(content)
    ? { content }
    : {
        message: `The configuration file ${file} must hold sections with keys, e.g. "gateway:" and below it "port: 8001".`,
      }
}

/** Far above any real file, far below what makes a file grow to gigabytes when it is expanded. */
const maxAliases = 100

function readSections(
  { sections, foreignSections, settings }: ConfigDefinition,
  content: Record<string, unknown>,
  file: string,
): SourceReading {
  const values = new Map<string, Given>()
  const problems: Problem[] = []
  const paths = settings.map(({ path }) => path)
  const sectionNames = sections.map(({ name }) => name)
  for (const [name, section] of Object.entries(content)) {
    if (!sectionNames.includes(name)) {
      if (!foreignSections.includes(name))
        problems.push(unknownSection(name, file, [...sectionNames, ...foreignSections]))
      continue
    }
    if (section === null) continue
    if (!isMap(section)) {
      problems.push({ key: name, message: `${name} in ${file} must be a section with keys below it.` })
      continue
    }
    for (const [key, value] of Object.entries(section)) {
      const path = `${name}.${key}`
      if (!paths.includes(path)) problems.push(unknownKey(path, file, paths))
      else if (value !== null) values.set(path, { value, origin: { from: 'file', name: file } })
    }
  }
  return { values, problems }
}

function unknownSection(name: string, file: string, known: readonly string[]): Problem {
  return { key: name, message: `There is no section ${name} (in ${file}).${didYouMean(name, known)}` }
}

/** The same key in another section is the likelier mistake: whole paths that differ in the section are far apart. */
function unknownKey(path: string, file: string, paths: readonly string[]): Problem {
  const key = path.slice(path.indexOf('.'))
  const elsewhere = paths.find((known) => known.endsWith(key))
  const hint = elsewhere === undefined ? didYouMean(path, paths) : ` Did you mean ${elsewhere}?`
  return { key: path, message: `There is no setting ${path} (in ${file}).${hint}` }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
