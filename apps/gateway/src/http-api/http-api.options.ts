/** Where backends ask over HTTP, and who may. Sizes in bytes. */
export interface HttpApiOptions {
  /** Of the private port; fixed at the start. */
  readonly host: string
  readonly port: number
  /** On the port of the clients instead. */
  readonly isExternal: boolean
  /** Who shows one of them is believed; none = nobody is, unless `isInsecure`. */
  readonly keys: readonly string[]
  /** Everybody is believed: for development. */
  readonly isInsecure: boolean
  /** `transport`: an error is told by the status of the answer, for requests that don't say otherwise. */
  readonly errorMode: 'reply' | 'transport'
  readonly maxBodyBytes: number
}

/** Without a key there is no API. */
export const isServed = ({ keys, isInsecure }: HttpApiOptions): boolean => keys.length > 0 || isInsecure
