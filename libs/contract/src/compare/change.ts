/** One thing that is different in a contract. */
export interface Change {
  /** Where: `rpc report.build request.month`, `channel chat::room publish.text`. */
  readonly path: string
  readonly kind: ChangeKind
  /** Whether a client that keeps to the contract before can fail by it. */
  readonly breaking: boolean
  /** A sentence that names it. */
  readonly message: string
}

export type ChangeKind =
  | `${'channel' | 'rpc' | 'event'}-${'added' | 'removed' | 'renamed'}`
  | 'parameter-renamed'
  | `action-${'added' | 'removed'}`
  | `field-${'added' | 'removed' | 'renamed'}`
  /** Of requests. */
  | 'required-field-added'
  /** Was there before, and might be absent: breaks requests. */
  | 'field-required'
  /** Was there before, always: breaks replies. */
  | 'field-optional'
  | 'type-narrowed'
  | 'type-widened'

/** Who makes the data: clients the requests, the app the replies and publications. */
export type Direction = 'request' | 'reply'

export const change = (path: string, kind: ChangeKind, message: string): Change => ({
  path,
  kind,
  breaking: false,
  message: `${path} ${message}.`,
})

export const breaking = (path: string, kind: ChangeKind, message: string): Change => ({
  ...change(path, kind, message),
  breaking: true,
})
