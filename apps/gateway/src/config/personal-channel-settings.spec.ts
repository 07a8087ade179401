import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { personalChannelProblems, personalChannelSettings } from './personal-channel-settings.js'

const { schema } = personalChannelSettings.subscribe_to_user_personal_channel

describe('personal channels', () => {
  it.each([true, false])('are on or off: %s', (value) => {
    expect(schema.parse(value)).toBe(value)
  })

  it.each([
    [{ enabled: true, personal_channel_namespace: 'users' }, /client\.personal_channel_namespace here/],
    [{ enabled: true, single_connection: true }, /single_connection is not offered here/],
  ])('in Centrifugo’s form are refused with what to do: %j', (value, sentence) => {
    expect(z.safeParse(schema, value).error?.issues).toMatchObject([
      { message: expect.stringMatching(sentence) },
    ])
  })

  it.each([
    ['are off', false, 'nope', {}, 0],
    ['have a namespace that is there', true, 'users', {}, 0],
    ['have none', true, '', {}, 0],
    ['have one that isn’t there', true, 'nope', {}, 1],
    ['have no sign for whose they are', true, '', { user_boundary: '' }, 1],
    ['have a namespace where no channel has', true, 'users', { namespace_boundary: '' }, 1],
  ])('that %s', (_what, isOn, namespace, signs, problems) => {
    const client = { subscribe_to_user_personal_channel: isOn, personal_channel_namespace: namespace }
    const channel = { user_boundary: '#', namespace_boundary: ':', namespaces: [{ name: 'users' }], ...signs }
    expect(personalChannelProblems({ client, channel })).toHaveLength(problems)
  })
})
