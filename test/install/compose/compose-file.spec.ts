import { describe, expect, it } from '@jest/globals'
import { interpolate, mergeMaps, readComposeFile } from './compose-file.js'

describe('variables of a compose file', () => {
  it('are put in, with what stands for one that is unset or empty', () => {
    const text = 'a ${A} b ${B:-c} d ${E:-f} g $$H'
    expect(interpolate(text, { A: '1', E: '' })).toBe('a 1 b c d f g $H')
  })

  it('end the reading with their message where they must be set, because a default password works silently', () => {
    expect(() => interpolate('${SECRETS:?run init}/x', { SECRETS: '' })).toThrow(
      'SECRETS is missing a value: run init',
    )
    expect(() => readComposeFile('docker-compose.yml', {})).toThrow('run deploy/compose/init once')
  })
})

describe('the merge of two compose files', () => {
  const base = {
    services: {
      a: {
        command: ['x', 'y'],
        environment: { A: '1', B: '2' },
        secrets: ['s'],
        volumes: ['a:/data', 'b:/b'],
      },
    },
  }

  it('replaces a command, joins what is different, and lets the later one win what is the same', () => {
    const above = {
      services: {
        a: { command: ['z'], environment: { B: '3' }, secrets: ['t', 's'], volumes: ['c:/data'] },
        b: {},
      },
    }
    expect(mergeMaps(base, above, '')).toEqual({
      services: {
        a: {
          command: ['z'],
          environment: { A: '1', B: '3' },
          secrets: ['t', 's'],
          volumes: ['b:/b', 'c:/data'],
        },
        b: {},
      },
    })
  })

  it('refuses a list of which it does not know how compose merges it, instead of guessing', () => {
    expect(() => mergeMaps({ x: ['a'] }, { x: ['b'] }, '')).toThrow('.x: how is this list merged?')
    expect(() => mergeMaps({ x: ['a'] }, { x: { a: 1 } }, '')).toThrow('.x: a list in one file')
  })
})
