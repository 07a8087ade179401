import { PassThrough } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { columns, pairs, printable, Terminal } from './terminal.js'

function open(isJson: boolean) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const parts = { isJson, env: {}, cwd: '/', workingFolder: '/', stdout, stderr }
  const terminal = new Terminal({ ...parts, readStdin: () => Promise.resolve('') })
  return { terminal, stdout, out: () => String(stdout.read() ?? ''), err: () => String(stderr.read() ?? '') }
}

const nasty = 'a\u001b]0;x\u0007\u009b31m\u202eb\r'

describe('the terminal', () => {
  it('shows control characters of others and sends none, as text, as JSON and as an error', () => {
    const text = open(false)
    text.terminal.show({}, columns(['A'], [[nasty]]))
    text.terminal.show({}, pairs([['a', `${nasty}\n`]]))
    text.terminal.fail(new Error(nasty))
    const json = open(true)
    json.terminal.show({ nasty }, '')
    json.terminal.item({ nasty }, '')
    json.terminal.warn('code', nasty)
    const all = [text.out(), text.err(), json.out(), json.err()].join('')
    // oxlint-disable-next-line no-control-regex -- these are what it is about
    expect(all).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/)
    expect(printable('a\nb\u009bc')).toBe(String.raw`a\nb\u009bc`)
  })

  it('leaves JSON the same JSON', () => {
    const { terminal, out } = open(true)
    const value = { nasty, nested: [{ text: 'é\n"\\"' }] }
    terminal.show(value, '')
    expect(JSON.parse(out())).toEqual(value)
  })

  it('aligns columns, whatever they hold', () => {
    expect(
      columns(
        ['A', 'LONG'],
        [
          ['xyz', ''],
          ['é', '1'],
        ],
      ),
    ).toBe('A    LONG\nxyz\né    1')
  })

  it('ends quietly when nobody reads any more, and writes nothing after that', () => {
    const { terminal, stdout, out } = open(false)
    stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    expect(terminal.signal.aborted).toBe(true)
    terminal.item({}, 'more')
    expect(out()).toBe('')
  })
})
