import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { httpApiEnv } from './http-api-env.js'

describe('the server API of a laptop’s gateways', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'natter-api-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const place = { NATTER_HTTP_API_HOST: '127.0.0.1', NATTER_HTTP_API_PORT: '8003' }

  it('is where the plan says, with a key of the data folder', () => {
    expect(httpApiEnv(root, 8003, 'made', {})).toEqual({ ...place, NATTER_HTTP_API_KEY: 'made' })
  })

  it('has the user’s key where there is one, because a key that is given twice stops a gateway', () => {
    for (const name of ['NATTER_HTTP_API_KEY', 'NATTER_HTTP_API_KEY_FILE'])
      expect(httpApiEnv(root, 8003, 'made', { [name]: 'x' })).toEqual(place)
    writeFileSync(join(root, 'natter.yaml'), 'http_api:\n  key: mine\n')
    expect(httpApiEnv(root, 8003, 'made', {})).toEqual(place)
    writeFileSync(join(root, 'natter.yaml'), 'http_api:\n')
    expect(httpApiEnv(root, 8003, 'made', {})).toMatchObject({ NATTER_HTTP_API_KEY: 'made' })
  })
})
