import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { namespaceName, namespaceSchema } from './namespace.options.js'
import { acceptsData, resolveNamespace } from './namespace.js'

const schema = namespaceSchema({ duration: z.number().min(0) })
const resolve = (options: object) => resolveNamespace('chat', schema.parse(options))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('namespaces', () => {
  it.each([
    ['nothing said', {}, 'none'],
    [
      'history_size and history_ttl, as in a Centrifugo configuration',
      { history_size: 9, history_ttl: 1000 },
      'archive',
    ],
    ['both zero', { history_size: 0, history_ttl: 0 }, 'none'],
    [
      'keep goes before what the history options imply',
      { keep: 'stream', history_size: 9, history_ttl: 1000 },
      'stream',
    ],
    ['keep without bounds', { keep: 'archive' }, 'archive'],
  ])('keep: %s', (_what, options, expected) => {
    const { keep, isDurable } = resolve(options)
    expect([keep, isDurable]).toEqual([expected, expected !== 'none'])
  })

  it('everything is off until it is set', () => {
    const nobody = { client: false, subscriber: false, anonymous: false }
    expect(resolve({})).toEqual({
      name: 'chat',
      keep: 'none',
      isDurable: false,
      archivesJson: false,
      isHistoryCapped: false,
      hasPresence: false,
      emitsJoinLeave: false,
      forcePushJoinLeave: false,
      positioning: 'off',
      allowsPositioning: false,
      recovery: 'off',
      allowsRecovery: false,
      recoveryMode: 'stream',
      recoversUnasked: false,
      allowsDelta: false,
      patchesAll: false,
      allowsTagsFilter: false,
      allowSubscribe: nobody,
      allowPublish: nobody,
      allowPresence: nobody,
      allowHistory: nobody,
      allowUserLimitedChannels: false,
      publicationDataFormat: '',
    })
  })

  it.each([
    ['is forced where publications are kept', { keep: 'stream' }, 'forced'],
    ['can be left to the client', { keep: 'stream', force_recovery: false, allow_recovery: true }, 'allowed'],
    ['can be switched off', { keep: 'stream', force_recovery: false }, 'off'],
    ['does not exist where nothing is kept', {}, 'off'],
  ])('recovery %s', (_what, options, expected) => {
    expect(resolve(options).recovery).toBe(expected)
  })

  it.each([
    [
      'patches',
      { allowed_delta_types: ['fossil'], delta_publish: true },
      { allowsDelta: true, patchesAll: true },
    ],
    ['filters', { allow_tags_filter: true }, { allowsTagsFilter: true }],
    [
      'a cache',
      { force_recovery_mode: 'cache', auto_cache_recover: true },
      { recoveryMode: 'cache', recoversUnasked: true, recovery: 'forced' },
    ],
  ])('%s can be allowed where publications are kept', (_what, options, expected) => {
    expect(resolve({ keep: 'stream', ...options })).toMatchObject(expected)
  })

  it.each([{ history_size: 5 }, { history_ttl: 5 }])('either bound caps the history: %j', (bound) => {
    expect(resolve({ keep: 'stream', ...bound }).isHistoryCapped).toBe(true)
  })

  it.each([
    ['/id', ['id']],
    ['/a/b', ['a', 'b']],
    ['/a~1b/~01', ['a/b', '~1']],
  ])('the message id pointer %s is read once', (pointer, path) => {
    expect(resolve({ keep: 'stream', message_id: pointer }).messageIdPath).toEqual(path)
  })

  it.each([
    ['a misspelt key must not pass as off', { allow_subcribe_for_client: true }, 'allow_subcribe_for_client'],
    ['half of the history options', { history_size: 5 }, 'keep'],
    ['a time for an archive that there is not', { keep: 'stream', archive_for: 5 }, 'archive_for'],
    ['JSON in an archive that there is not', { archive_json: true }, 'archive_json'],
    ['bounds of nothing', { keep: 'none', history_ttl: 5 }, 'keep'],
    ['recovery of nothing', { force_recovery: true }, 'force_recovery'],
    ['ids of what is not stored', { message_id: '/id' }, 'message_id'],
    ['pushing joins that are not emitted', { force_push_join_leave: true }, 'force_push_join_leave'],
    ['patches of what is not kept', { allowed_delta_types: ['fossil'] }, 'allowed_delta_types'],
    ['patches for nobody', { keep: 'stream', delta_publish: true }, 'delta_publish'],
    [
      'patches for who knows no position',
      { keep: 'stream', allowed_delta_types: ['fossil'], force_recovery: false },
      'allowed_delta_types',
    ],
    [
      'patches of an unknown kind',
      { keep: 'stream', allowed_delta_types: ['bsdiff'] },
      'allowed_delta_types',
    ],
    ['a cache of nothing', { force_recovery_mode: 'cache' }, 'force_recovery_mode'],
    [
      'a cache that nobody recovers',
      { keep: 'stream', force_recovery_mode: 'cache', force_recovery: false },
      'force_recovery_mode',
    ],
    ['a stream recovered unasked', { keep: 'stream', auto_cache_recover: true }, 'auto_cache_recover'],
    [
      'recovery unasked where it is not forced',
      {
        keep: 'stream',
        force_recovery_mode: 'cache',
        force_recovery: false,
        allow_recovery: true,
        auto_cache_recover: true,
      },
      'auto_cache_recover',
    ],
    ['a pointer that is none', { keep: 'stream', message_id: 'id' }, 'message_id'],
    ['a broken expression', { channel_regex: '(' }, 'channel_regex'],
  ])('refused: %s', (_what, options, key) => {
    expect(JSON.stringify(schema.safeParse(options).error?.issues)).toContain(key)
  })

  it.each([
    ['chat', true],
    ['a-B_9', true],
    ['a', false],
    ['a:b', false],
    ['$a', false],
    ['', false],
  ])('[13.2] a namespace may be called %j: %s', (name, expected) => {
    expect(namespaceName.safeParse(name).success).toBe(expected)
  })

  it('is frozen with its allowances, because every connection shares it', () => {
    const namespace = resolve({})
    expect([Object.isFrozen(namespace), Object.isFrozen(namespace.allowPublish)]).toEqual([true, true])
  })

  it.each([
    ['', undefined, false],
    ['', '', false],
    ['', 'x', true],
    ['json', '[1]', true],
    ['json', '{', false],
    ['json', undefined, false],
    ['json_object', '{}', true],
    ['json_object', '[1]', false],
    ['binary', undefined, true],
  ])('[9] format %j with data %j is accepted: %s', (format, data, expected) => {
    const namespace = resolve({ publication_data_format: format })
    expect(acceptsData(namespace, data === undefined ? undefined : bytes(data))).toBe(expected)
  })
})
