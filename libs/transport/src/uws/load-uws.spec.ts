import { describe, expect, it } from '@jest/globals'
import { loadUws } from './load-uws.js'

describe('loadUws', () => {
  it('a machine without a binary gets a sentence that names Node 22', async () => {
    const cause = new Error('cannot find uws_linux_x64_137.node')
    await expect(loadUws(() => Promise.reject(cause))).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'uws-binary-missing',
      message: expect.stringContaining('Use Node 22'),
      cause,
    })
  })
})
