/**
 * Compiles the program of test/conformance/java around the official Java SDK: its jars by Maven, each by its checksum, with the JDK that
 * is installed. Neither is installed for it: they are large.
 *
 *   node tools/java-sdk.mjs
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './paths.mjs'
import { run } from './run.mjs'
import { madeOnce, printCommandWhenRun } from './sdk-program.mjs'

const source = join(root, 'test', 'conformance', 'java')
const sources = readdirSync(source)
  .filter((name) => name.endsWith('.java'))
  .toSorted()
  .map((name) => join(source, name))
const made = [join(source, 'pom.xml'), join(source, 'jars.sha256'), ...sources]
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

const classPath = (folder) => [join(folder, 'classes'), join(folder, 'jars', '*')].join(delimiter)

async function make(folder) {
  await demand('javac', ['-version'])
  await demand('mvn', ['-version'])
  const jars = join(folder, 'jars')
  const pom = join(source, 'pom.xml')
  await demand('mvn', ['-q', '-B', '-f', pom, copyDependencies, `-DoutputDirectory=${jars}`])
  compare(jars)
  await demand('javac', [
    '--release',
    '17',
    '-cp',
    classPath(folder),
    '-d',
    join(folder, 'classes'),
    ...sources,
  ])
}

async function demand(command, args) {
  const { ok, reason } = await run(command, args, { timeoutMs: 300_000 })
  if (!ok) throw new Error(reason)
}

/** Exactly these jars, and none with other bytes. */
function compare(jars) {
  const sum = (name) =>
    createHash('sha256')
      .update(readFileSync(join(jars, name)))
      .digest('hex')
  const found = readdirSync(jars)
    .toSorted()
    .map((name) => `${sum(name)}  ${name}`)
  const wanted = readFileSync(join(source, 'jars.sha256'), 'utf8').trim().split('\n')
  const other = found.find((line) => !wanted.includes(line)) ?? wanted.find((line) => !found.includes(line))
  if (other !== undefined) throw new Error(`jars.sha256 and what came differ in ${other}`)
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string[] | string>} its command, or the reason why there is none
 */
export async function obtainJavaSdk(say) {
  const result = await madeOnce('java', made, make, say)
  if (!('folder' in result)) return result.reason
  return [
    'java',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xmx128m',
    '-cp',
    classPath(result.folder),
    'Main',
  ]
}

await printCommandWhenRun(import.meta.url, obtainJavaSdk)
