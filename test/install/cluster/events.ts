/** What happens in a cluster, in the order in which it happened: what a rollout is judged by, and what is read when it failed. */

/** Milliseconds since 1970. */
export type ClusterEvent = { atMs: number } & (
  | { kind: 'applied'; what: string }
  | { kind: 'pod'; pod: string; owner: string; revision: string; change: PodChange; why?: string }
  | {
      kind: 'container'
      pod: string
      container: string
      change: ContainerChange
      why?: string
    }
  /** What the Service's proxy goes by from now on. */
  | { kind: 'endpoints'; service: string; pods: string[] }
  | { kind: 'connect'; service: string; outcome: 'connected' | 'refused' | 'nobody'; pod?: string }
)

/** `killed`: its grace period was over. `struck`: by the test, out of the blue. */
export type ContainerChange = 'started' | 'exited' | 'asked to end' | 'killed' | 'not alive' | 'struck'

/** `deleted`: its deletion began. `gone`: nothing of it is left. */
export type PodChange = 'created' | 'ready' | 'unready' | 'deleted' | 'gone'

export type ClusterHappening = ClusterEvent extends infer E
  ? E extends unknown
    ? Omit<E, 'atMs'>
    : never
  : never

/** Stamps and keeps it. */
export type Tell = (happening: ClusterHappening) => void
