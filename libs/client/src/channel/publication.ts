import type { ClientInfo, PublicationContext } from 'centrifuge'

/** A connection as others see it. */
export interface Member<Info = unknown> {
  /** Names the connection. */
  readonly client: string
  /** `''` = anonymous. */
  readonly user: string
  /** What its token, or an app at connect, says of it. */
  readonly info?: Info
  /** What an app says of it in this channel. */
  readonly channelInfo?: unknown
}

/** Something before a publication is missing. */
export type Gap =
  /** The connection was lost, and the mesh can't prove that nothing was missed: read history, or your own source of truth. */
  | { readonly reason: 'not-recovered' }
  /** The reader was too slow: so many went before they were read. */
  | { readonly reason: 'slow-reader'; readonly dropped: number }

export interface Publication<Data = unknown, Info = unknown> {
  readonly channel: string
  readonly data: Data
  /** Its place in the channel; absent where nothing is kept. Grows, with gaps. */
  readonly offset?: number
  readonly tags?: Readonly<Record<string, string>>
  /** Who published it; absent where an app did. */
  readonly publisher?: Member<Info>
  /** What is missing between the publication before this one and this one; absent = nothing. */
  readonly gap?: Gap
}

export function memberOf<Info>({ client, user, connInfo, chanInfo }: ClientInfo): Member<Info> {
  return {
    client,
    user,
    ...(connInfo === undefined ? {} : { info: connInfo as Info }),
    ...(chanInfo === undefined ? {} : { channelInfo: chanInfo as unknown }),
  }
}

export function publicationOf<Data, Info>(
  context: PublicationContext,
  channel: string,
): Publication<Data, Info> {
  const { data, offset, tags, info } = context
  return {
    channel,
    data: data as Data,
    ...(offset === undefined ? {} : { offset }),
    ...(tags === undefined ? {} : { tags }),
    ...(info === undefined ? {} : { publisher: memberOf<Info>(info) }),
  }
}
