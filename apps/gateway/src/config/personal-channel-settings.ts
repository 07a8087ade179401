/** Whether users have a channel of their own, and what it is called. */
import { namespaceName } from '@natter/auth'
import { ofKind, type CrossCheckProblem } from '@natter/config'
import { z } from 'zod'

/** In Centrifugo these are one object. */
const inOneObject = z
  .record(z.string(), z.unknown())
  .refine(
    (said) => !isOn(said['single_connection']),
    'must be true or false: single_connection is not offered here, so end the connections before in your app, with disconnect when one connects',
  )
  .refine(
    (said) => isOn(said['single_connection']),
    'must be true or false: what Centrifugo has in one object is client.subscribe_to_user_personal_channel and client.personal_channel_namespace here',
  )

const isOn = (value: unknown): boolean => value === true

export const personalChannelSettings = {
  subscribe_to_user_personal_channel: {
    schema: ofKind(
      z.union([z.boolean(), inOneObject]).transform((said) => said === true),
      { words: 'true or false' },
    ),
    default: false,
    example: 'true',
    doc: 'Users are subscribed to a channel of their own, #<user>, by connecting.',
    shown: true,
  },
  personal_channel_namespace: {
    schema: z.literal('').or(namespaceName),
    default: '',
    example: 'users',
    doc: 'The namespace of personal channels: <namespace>:#<user>. Nothing: channels without namespace.',
    shown: true,
  },
} as const

interface Said {
  client: { subscribe_to_user_personal_channel: boolean; personal_channel_namespace: string }
  channel: { user_boundary: string; namespace_boundary: string; namespaces: readonly { name: string }[] }
}

/** Where nobody would get one. */
export function personalChannelProblems({ client, channel }: Said): readonly CrossCheckProblem[] {
  if (!client.subscribe_to_user_personal_channel) return []
  const { personal_channel_namespace: namespace } = client
  const problem = (message: string): CrossCheckProblem => ({
    key: 'client.personal_channel_namespace',
    message,
  })
  if (channel.user_boundary === '')
    return [problem('can’t be used without channel.user_boundary: nothing would say whose channel it is')]
  if (namespace === '') return []
  if (channel.namespace_boundary === '')
    return [problem('can’t be used without channel.namespace_boundary: no channel has a namespace')]
  const isThere = channel.namespaces.some(({ name }) => name === namespace)
  return isThere ? [] : [problem(`is ${namespace}, which channel.namespaces doesn’t have`)]
}
