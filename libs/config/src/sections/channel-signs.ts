/** The grammar of channel names as people write it, in Centrifugo's keys. Fixed when a process starts: it says which channel is which. */
import { createChannelGrammar, Limits, usualSigns, type ChannelGrammar } from '@natter/protocol'
import { z } from 'zod'
import type { CrossCheckProblem } from '../config-definition.js'

/** `*` stands for other characters in capabilities, braces decide the shard. */
const sign = () =>
  z.string().regex(/^[!-~]{0,16}$/, 'must be up to 16 printable ASCII characters without blanks')

const maxBytes = 512

export const signSettings = {
  max_length: {
    schema: z.int().min(1).max(maxBytes),
    default: Limits.maxChannelBytes,
    example: '128',
    doc: 'Bytes of a channel name; a longer one is answered with 107.',
    shown: true,
  },
  private_prefix: {
    schema: sign(),
    default: usualSigns.privatePrefix,
    example: 'private-',
    doc: 'In front of channels that need a subscription token. Nothing: there are none. The same in all gateways, from the first start on.',
    shown: true,
  },
  namespace_boundary: {
    schema: sign(),
    default: usualSigns.namespaceBoundary,
    example: '::',
    doc: 'Ends the namespace in a channel name. Nothing: no channel has one. The same in all gateways, from the first start on.',
    shown: true,
  },
  user_boundary: {
    schema: sign(),
    default: usualSigns.userBoundary,
    example: '@',
    doc: 'Begins the users of a user-limited or personal channel. Nothing: there are none. The same in all gateways, from the first start on.',
    shown: true,
  },
  user_separator: {
    schema: sign(),
    default: usualSigns.userSeparator,
    example: ';',
    doc: 'Between two users of a user-limited channel. Nothing: there is one. The same in all gateways, from the first start on.',
    shown: true,
  },
} as const

export interface ChannelSignSettings {
  readonly max_length: number
  readonly private_prefix: string
  readonly namespace_boundary: string
  readonly user_boundary: string
  readonly user_separator: string
}

/** By which this mesh reads channel names. */
export const grammarOf = (channel: ChannelSignSettings): ChannelGrammar =>
  createChannelGrammar({
    maxBytes: channel.max_length,
    privatePrefix: channel.private_prefix,
    namespaceBoundary: channel.namespace_boundary,
    userBoundary: channel.user_boundary,
    userSeparator: channel.user_separator,
  })

const keys = ['private_prefix', 'namespace_boundary', 'user_boundary', 'user_separator'] as const

/** Signs that would be taken for one another, or for something else. */
export function signProblems(channel: ChannelSignSettings): readonly CrossCheckProblem[] {
  const said = keys.map((key) => ({ key, sign: channel[key] })).filter((one) => one.sign !== '')
  const problems = said.flatMap(({ key, sign: own }) => {
    const other = said.find((one) => one.key !== key && one.sign.includes(own))
    return other === undefined
      ? []
      : [problem(key, `is also in channel.${other.key}: nobody could tell them apart`)]
  })
  for (const { key, sign: own } of said)
    if (/[*{}]/.test(own))
      problems.push(problem(key, 'must not have *, { or }: they have a meaning in names already'))
  if (/[-a-zA-Z0-9_]/.test(channel.namespace_boundary))
    problems.push(
      problem(
        'namespace_boundary',
        'must not have a-z, A-Z, 0-9, - or _: names of namespaces are made of these',
      ),
    )
  return problems
}

const problem = (key: (typeof keys)[number], message: string): CrossCheckProblem => ({
  key: `channel.${key}`,
  message,
})
