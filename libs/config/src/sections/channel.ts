import { namespaceName, namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { z } from 'zod'
import type { CrossCheckProblem } from '../config-definition.js'
import { defineSection, type DeepReadonly, type SectionConfig } from '../section.js'
import { duration } from '../values/duration.js'

const namespaceOptions = namespaceSchema({ duration: duration() })

/** Shared by gateways and the persistence app: what is kept is decided here. */
export const channelSection = defineSection(
  'channel',
  'What channels are and who may use them. Everything is off until it is set.',
  {
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
  },
)

/** For the `check` of an app that reads this section: a name that stands twice would silently mean the last one. */
export function doubledNamespaces({
  namespaces,
}: DeepReadonly<SectionConfig<typeof channelSection>>): readonly CrossCheckProblem[] {
  const names = namespaces.map(({ name }) => name)
  const doubled = names.filter((name, index) => names.indexOf(name) !== index)
  return doubled.map((name) => ({
    key: 'channel.namespaces',
    message: `names ${name} twice: keep one of them`,
  }))
}

/** By name; '' is for channels without one. */
export function namespacesOf(
  channel: DeepReadonly<SectionConfig<typeof channelSection>>,
): ReadonlyMap<string, Namespace> {
  const named = channel.namespaces.map(
    ({ name, ...options }) => [name, resolveNamespace(name, options)] as const,
  )
  return new Map([['', resolveNamespace('', channel.without_namespace)], ...named])
}
