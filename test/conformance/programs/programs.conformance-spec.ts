/**
 * The official SDKs that are no JavaScript, unchanged, each in a program of its own language that judges laws on a real mesh. A program
 * that can't be had here is skipped, and the names of its tests say why.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { leakCheck } from '@natter/testing'
import { obtainGoSdk } from '../../../tools/go-sdk.mjs'
import { obtainJavaSdk } from '../../../tools/java-sdk.mjs'
import { obtainPythonSdk } from '../../../tools/python-sdk.mjs'
import { judge, lawsOf, type Encoding, type Program, type Verdict } from './laws.js'
import { startWorld, type World } from './world.js'

const both: readonly Encoding[] = ['json', 'protobuf']
/** What judging takes is seconds; what is waited for in vain ends it law by law. */
const judgedWithinMs = 120_000

const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Sdk {
  readonly language: string
  readonly encodings: readonly Encoding[]
  /** Or why there is none. */
  readonly program: Program | string
}

const sdks: readonly Sdk[] = [
  { language: 'Go', encodings: both, program: await obtainGoSdk(say) },
  { language: 'Python', encodings: both, program: await obtainPythonSdk(say) },
  { language: 'Java', encodings: ['protobuf'], program: await obtainJavaSdk(say) },
]

type Verdicts = ReadonlyMap<string, Verdict>

const runs = sdks.flatMap(({ language, encodings, program }) =>
  typeof program === 'string' ? [] : encodings.map((encoding) => ({ language, encoding, program })),
)

const nameOf = (language: string, encoding: Encoding): string => `${language.toLowerCase()}-${encoding}`

let world: World | undefined
let judging: ReadonlyMap<string, Promise<Verdicts>> = new Map()
let expectNoLeaks: ReturnType<typeof leakCheck>

/** All at once: laws mostly wait for the network. */
beforeAll(async () => {
  expectNoLeaks = leakCheck()
  const started = await startWorld()
  world = started
  judging = new Map(
    runs.map(({ language, encoding, program }) => {
      const name = nameOf(language, encoding)
      const verdicts = judge(started, program, encoding, name)
      verdicts.catch(() => {}) // whoever asks for them hears of it
      return [name, verdicts]
    }),
  )
}, 60_000)
afterAll(async () => {
  await Promise.allSettled(judging.values())
  await world?.stop()
  await expectNoLeaks()
}, judgedWithinMs)

for (const { language, encodings, program } of sdks) {
  const name = `the official ${language} SDK`
  if (typeof program === 'string')
    describe.skip(`${name} (skipped: ${program})`, () => it('is there', () => {}))
  else
    describe.each(encodings)(`${name} in %s`, (encoding) =>
      obeys(nameOf(language, encoding), lawsOf(program, encoding)),
    )
}

function obeys(run: string, laws: readonly string[]): void {
  let verdicts: Verdicts | undefined

  beforeAll(async () => {
    verdicts = await judging.get(run)
  }, judgedWithinMs)

  it.each(laws)('%s', (law) => {
    expect(verdicts?.get(law)).toEqual({ name: law, ok: true, ms: expect.any(Number) })
  })
}
