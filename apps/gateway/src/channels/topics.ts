import type { Encoding, Flavour } from '@natter/protocol'

/**
 * The node's native topics. A topic is one string in the transport, and all its members get the same frame: so a channel has one for
 * each flavour that its subscribers speak, another for those of them who also want to know who joins and leaves, and two for those who
 * negotiated delta.
 */
const prefixes: Readonly<Record<Flavour, string>> = { json: 'm:', protobuf: 'b:', 'uni-json': 'u:' }

export const publicationTopic = (flavour: Flavour, channel: string): string => prefixes[flavour] + channel

/** Of those who negotiated delta: all publications whole, and what changed where it can be told. [8] */
export const wholeTopic = (flavour: Flavour, channel: string): string => `w${prefixes[flavour]}${channel}`

export const patchTopic = (flavour: Flavour, channel: string): string => `d${prefixes[flavour]}${channel}`

export const joinLeaveTopic = (flavour: Flavour, channel: string): string => `j${prefixes[flavour]}${channel}`

export const pingTopic = (encoding: Encoding, slot: number): string => `p${prefixes[encoding]}${slot}`
