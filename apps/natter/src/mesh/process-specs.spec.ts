import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configFile } from './process-specs.js'

describe('configFile', () => {
  const given = process.env['NATTER_CONFIG']
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'natter-specs-'))
    writeFileSync(join(root, 'natter.yaml'), '')
  })

  afterEach(() => {
    rmSync(root, { recursive: true, force: true })
    if (given === undefined) delete process.env['NATTER_CONFIG']
    else process.env['NATTER_CONFIG'] = given
  })

  it.each([
    ['unset', undefined, true],
    ['empty, which means unset everywhere', '', true],
    ['set: the children inherit it', '/etc/natter.yaml', false],
  ])('natter.yaml and NATTER_CONFIG %s', (_, value, counts) => {
    if (value === undefined) delete process.env['NATTER_CONFIG']
    else process.env['NATTER_CONFIG'] = value
    expect(configFile(root)).toEqual(counts ? { NATTER_CONFIG: join(root, 'natter.yaml') } : {})
  })
})
