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

let world: World
let expectNoLeaks: ReturnType<typeof leakCheck>

beforeAll(async () => {
  expectNoLeaks = leakCheck()
  world = await startWorld()
}, 60_000)
afterAll(async () => {
  await world.stop()
  await expectNoLeaks()
}, 30_000)

for (const { language, encodings, program } of sdks) {
  const name = `the official ${language} SDK`
  if (typeof program === 'string')
    describe.skip(`${name} (skipped: ${program})`, () => it('is there', () => {}))
  else describe(name, () => obeys(language.toLowerCase(), encodings, program))
}

/** Both encodings at once: laws mostly wait for the network. */
function obeys(sdk: string, encodings: readonly Encoding[], program: Program): void {
  const judged = new Map<Encoding, ReadonlyMap<string, Verdict>>()

  beforeAll(async () => {
    const judging = encodings.map(async (encoding) =>
      judged.set(encoding, await judge(world, program, encoding, `${sdk}-${encoding}`)),
    )
    await Promise.all(judging)
  }, judgedWithinMs)

  describe.each(encodings)('in %s', (encoding) => {
    it.each(lawsOf(program, encoding))('%s', (law) => {
      expect(judged.get(encoding)?.get(law)).toEqual({ name: law, ok: true, ms: expect.any(Number) })
    })
  })
}
