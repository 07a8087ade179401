import { namespaceName, namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { z } from 'zod'
import type { CrossCheckProblem } from '../config-definition.js'
import { defineSection, reloadable, type DeepReadonly, type SectionConfig } from '../section.js'
import { duration } from '../values/duration.js'
import { signProblems, signSettings, type ChannelSignSettings } from './channel-signs.js'
import { channelProxySchema } from './proxy.options.js'

const namespaceOptions = namespaceSchema({ duration: duration() })

/** Shared by gateways and the persistence app: what is kept is decided here. */
export const channelSection = defineSection(
  'channel',
  'What channels are and who may use them. Everything is off until it is set.',
  {
    ...reloadable({
      without_namespace: {
        schema: namespaceOptions,
        default: {},
        example: '{"allow_subscribe_for_client":true}',
        doc: 'Options of channels without a namespace.',
        shown: true,
      },
      namespaces: {
        schema: z.array(namespaceOptions.safeExtend({ name: namespaceName })),
        default: [],
        example: '[{"name":"chat","keep":"stream","allow_subscribe_for_client":true}]',
        doc: 'Namespaces by name: the text of a channel before its first colon.',
        shown: true,
      },
      proxy: {
        schema: channelProxySchema,
        default: {},
        example: '{"subscribe":{"endpoint":"http://127.0.0.1:3000/natter/subscribe"}}',
        doc: 'Hooks over HTTP about channels; namespaces say which of them they ask.',
        shown: true,
      },
      history_meta_ttl: {
        schema: duration(),
        default: '30d',
        example: '30d',
        doc: 'Taken as Centrifugo has it, and always kept: positions hold for as long as the stream that numbers them is there.',
        shown: true,
      },
    }),
    ...signSettings,
  },
)

type ChannelNamespaces = DeepReadonly<
  Pick<SectionConfig<typeof channelSection>, 'without_namespace' | 'namespaces'>
>

/** For the `check` of an app that reads this section. */
export const channelProblems = (
  channel: ChannelNamespaces & ChannelSignSettings,
): readonly CrossCheckProblem[] => [...doubledNamespaces(channel), ...signProblems(channel)]

/** A name that stands twice would silently mean the last one. */
function doubledNamespaces({ namespaces }: ChannelNamespaces): readonly CrossCheckProblem[] {
  const names = namespaces.map(({ name }) => name)
  const doubled = names.filter((name, index) => names.indexOf(name) !== index)
  return doubled.map((name) => ({
    key: 'channel.namespaces',
    message: `names ${name} twice: keep one of them`,
  }))
}

/** By name; '' is for channels without one. */
export function namespacesOf(channel: ChannelNamespaces): ReadonlyMap<string, Namespace> {
  const named = channel.namespaces.map(
    ({ name, ...options }) => [name, resolveNamespace(name, options)] as const,
  )
  return new Map([['', resolveNamespace('', channel.without_namespace)], ...named])
}
