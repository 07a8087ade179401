import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { z } from 'zod'
import { defineConfig } from './config-definition.js'
import { ConfigReloader } from './config-reloader.js'
import { loadConfig } from './load-config.js'
import { defineSection, reloadable } from './section.js'
import { logSection } from './sections/log.js'
import { duration } from './values/duration.js'
import { list } from './values/list.js'
import { port } from './values/port.js'
import { secret } from './values/secret.js'

const fixed = { port: { schema: port(), default: 8000, example: '8001', doc: 'Where.', shown: true } }
const door = defineSection('door', 'The door.', {
  ...fixed,
  interval: { schema: duration(), default: '25s', example: '30s', doc: 'How often.', shown: true },
  ...reloadable({
    timeout: { schema: duration(), default: '8s', example: '10s', doc: 'How long.', shown: true },
    guests: { schema: list(), default: [], example: 'ana,ben', doc: 'Who.', shown: true },
    key: { schema: secret().optional(), example: 'keep-me-safe', doc: 'Opens it.', shown: false },
  }),
})

const definition = defineConfig({
  app: 'door',
  sections: [door, logSection],
  check: ({ door: { timeout, interval } }) =>
    timeout < interval ? [] : [{ key: 'door.timeout', message: 'must be shorter than door.interval' }],
})

/** A process that began with `text` as its file, and what it is told to take. */
function running(text: string, files: Record<string, string> = {}, argv: readonly string[] = []) {
  const disk: Record<string, string> = { 'door.yaml': text, ...files }
  const env: Record<string, string> = { NATTER_CONFIG: 'door.yaml' }
  if ('key' in disk) env['NATTER_DOOR_KEY_FILE'] = 'key'
  const readFile = (path: string): string => {
    const content = disk[path]
    if (content === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' })
    return content
  }
  const sources = { argv, env, readFile }
  const loaded = loadConfig(definition, sources)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const reloader = new ConfigReloader(definition, loaded.config, sources)
  const taken: unknown[] = []
  const reload = () =>
    reloader.reload((next, changed) => {
      taken.push({ next, changed })
      return {}
    })
  return { disk, reloader, reload, taken }
}

describe('a reload', () => {
  it('takes what may change, and names what waits for a restart, which stays as it is', async () => {
    const { disk, reloader, reload } = running('door: { port: 8001, guests: [ana] }')
    disk['door.yaml'] = 'door: { port: 8002, guests: [ben] }\nlog: { level: debug }'
    expect(await reload()).toEqual({
      outcome: 'taken',
      changed: ['door.guests', 'log.level'],
      needsRestart: ['door.port'],
    })
    expect(reloader.current).toMatchObject({ door: { port: 8001, guests: ['ben'] }, log: { level: 'debug' } })
    expect(await reload()).toEqual({ outcome: 'same', changed: [], needsRestart: ['door.port'] })
    disk['door.yaml'] = 'door: { port: 8001, guests: [ben] }'
    expect(await reload()).toMatchObject({ outcome: 'taken', changed: ['log.level'], needsRestart: [] })
  })

  it('of files with a problem changes nothing, and tells all problems in the words of a start', async () => {
    const { disk, reloader, reload, taken } = running('door: { guests: [ana] }')
    const before = reloader.current
    disk['door.yaml'] = 'door: { timeout: soon, guests: [ben], prot: 1 }\nlog: { level: loud }'
    const report = await reload()
    expect(report).toMatchObject({ outcome: 'refused', problems: expect.any(Array) })
    const keys = report.outcome === 'refused' ? report.problems.map(({ key }) => key) : []
    expect(keys.toSorted()).toEqual(['door.prot', 'door.timeout', 'log.level'])
    expect(reloader.current).toBe(before)
    expect(taken).toEqual([])
    delete disk['door.yaml']
    expect(await reload()).toMatchObject({ outcome: 'refused' })
    expect(reloader.current).toBe(before)
  })

  it('is refused where what may change fits only what may not: half of it would be a configuration nobody wrote', async () => {
    const { disk, reloader, reload } = running('door: { interval: 10s, timeout: 5s }')
    disk['door.yaml'] = 'door: { interval: 60s, timeout: 30s }'
    expect(await reload()).toMatchObject({
      outcome: 'refused',
      problems: [{ key: 'door.timeout', message: expect.stringContaining('door.interval') }],
    })
    expect(reloader.current.door.timeout).toBe(5_000)
  })

  it('reads the files of secrets again, and neither environment nor flags, which nobody can change', async () => {
    const { disk, reloader, reload } = running('', { key: 'first-key\n' }, ['--door.guests', 'ana'])
    disk['key'] = 'second-key\n'
    disk['door.yaml'] = 'door: { guests: [ben] }'
    expect(await reload()).toMatchObject({ outcome: 'taken', changed: ['door.key'] })
    expect(reloader.current.door).toMatchObject({ key: 'second-key', guests: ['ana'] })
  })

  it('changes nothing where it can not be put into effect, and says why', async () => {
    const { disk, reloader, reload } = running('')
    const before = reloader.current
    disk['door.yaml'] = 'door: { guests: [ben] }'
    const problems = [{ key: 'door.key', message: 'It does not fit.' }]
    expect(await reloader.reload(() => ({ problems }))).toEqual({ outcome: 'refused', problems })
    await expect(reloader.reload(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke')
    expect(reloader.current).toBe(before)
    expect(await reload()).toMatchObject({ outcome: 'taken', changed: ['door.guests'] }) // none stands in the way of the next
  })

  it('asks the app also where no setting changed: what one names may have, and what waits is told each time', async () => {
    const { reloader } = running('')
    expect(await reloader.reload(() => ({ needsRestart: ['door.guests (ben)'] }))).toEqual({
      outcome: 'same',
      changed: [],
      needsRestart: ['door.guests (ben)'],
    })
    expect(await reloader.reload(() => ({ changed: ['a file'] }))).toEqual({
      outcome: 'taken',
      changed: ['a file'],
      needsRestart: [],
    })
  })

  it('comes after the one before: the last file wins, however long each takes', async () => {
    const { disk, reloader } = running('')
    const order: string[] = []
    let pass = (): void => {}
    const passed = new Promise<void>((resolve) => (pass = resolve))
    disk['door.yaml'] = 'door: { guests: [ben] }'
    const first = reloader.reload(async ({ door: { guests } }) => {
      order.push(`first ${guests.join()}`)
      await passed
      return {}
    })
    const second = reloader.reload(({ door: { guests } }) => {
      order.push(`second ${guests.join()}`)
      return {}
    })
    disk['door.yaml'] = 'door: { guests: [cem] }'
    pass()
    await Promise.all([first, second])
    expect(reloader.current.door.guests).toEqual(['cem'])
    expect(order.at(-1)).toMatch(/cem$/)
  })

  it('keeps what did not change as the object that it is, so that nobody makes it anew', async () => {
    const { disk, reloader, reload } = running('door: { guests: [ana] }')
    const { guests } = reloader.current.door
    disk['door.yaml'] = 'door: { guests: [ana], timeout: 1s }'
    await reload()
    expect(reloader.current.door.guests).toBe(guests)
  })

  it('ends in what a start would read, but for what waits, after any files in any order', async () => {
    const content = fc.record({
      port: fc.integer({ min: 1, max: 9 }),
      timeout: fc.constantFrom('1s', '2s', '60s', 'never'),
      guests: fc.subarray(['ana', 'ben', 'cem']),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 8 }), async (files) => {
        const { disk, reloader, reload } = running('door: { port: 1 }')
        let good = { timeout: 8_000, guests: [] as string[] }
        for (const file of files) {
          disk['door.yaml'] = JSON.stringify({ door: file })
          const report = await reload()
          const isGood = file.timeout !== 'never' && file.timeout !== '60s'
          expect(report.outcome === 'refused').toBe(!isGood)
          if (isGood) good = { timeout: Number.parseInt(file.timeout) * 1_000, guests: file.guests }
          if (report.outcome !== 'refused')
            expect(report.needsRestart).toEqual(file.port === 1 ? [] : ['door.port'])
          expect(reloader.current.door).toMatchObject({ ...good, port: 1 })
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('a mark', () => {
  it('is on each of the settings, and changes nothing else of them', () => {
    const one = { schema: z.boolean(), default: false, example: 'true', doc: 'One.', shown: true }
    expect(reloadable({ one })).toEqual({ one: { ...one, isReloadable: true } })
    expect(definition.settings.filter(({ setting }) => setting.isReloadable).map(({ path }) => path)).toEqual(
      ['door.timeout', 'door.guests', 'door.key', 'log.level'],
    )
  })
})
