import { describe, expect, it } from '@jest/globals'
import { didYouMean, nearMiss } from './near-miss.js'

const known = ['gateway.port', 'gateway.host', 'client.token_hmac_secret_key', 'ops.port']

describe('did you mean', () => {
  it.each([
    ['gateway.prot', 'gateway.port'],
    ['gatway.host', 'gateway.host'],
    ['client.tokenHmacSecretKey', 'client.token_hmac_secret_key'],
    ['client.token-hmac-secret-key', 'client.token_hmac_secret_key'],
    ['client.token_hmac_secret', 'client.token_hmac_secret_key'],
    ['gateway.name', undefined],
    ['', undefined],
  ])('%s → %s', (given, meant) => {
    expect(nearMiss(given, known)).toBe(meant)
  })

  it('says nothing rather than something far-fetched', () => {
    expect(didYouMean('postgres.url', known)).toBe('')
  })
})
