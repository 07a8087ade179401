/**
 * The node's native topics. A topic is one string in the transport; a channel has one for its publications and one for
 * those of its subscribers who also want to know who joins and leaves. With a second encoding the flavour joins the name.
 */
export const publicationTopic = (channel: string): string => `m:${channel}`

export const joinLeaveTopic = (channel: string): string => `j:${channel}`

export const pingTopic = (slot: number): string => `p:${slot}`
