/** What a run has seen, for the judge. All of it crosses processes as JSON. */

/** A command that a client repeats while the answer is a temporary error or none within 5 s. */
export interface Called {
  client: string
  /** `refused`: an error that a repeat doesn't help. `unanswered`: still without an answer when the run was over. `wrong`: of another call. */
  outcome: 'answered' | 'refused' | 'unanswered' | 'wrong'
  /** What was said when it wasn't answered. */
  why?: string
  /** 1: at once. */
  sends: number
  /** From the first send to the answer. */
  tookMs: number
  /** The instance that answered; rpc alone. */
  by?: string
}

export interface Published extends Called {
  channel: string
  /** Of this client's publications, from 0. */
  n: number
}

export interface Stored {
  channel: string
  client: string
  n: number
  /** Of this client's sends, repeats included: it rises by one with each. */
  send: number
  /** The instance whose publish hook let it through. */
  by: string | undefined
}

/** What one socket got. */
export interface Heard {
  client: string
  channel: string
  publications: number
  /** Offsets that were not above the one before. */
  disordered: number
}

export interface Ended {
  instance: string
  signal: 'SIGTERM' | 'SIGKILL'
  code: number | null
}

export interface Evidence {
  sockets: number
  /** Sockets that ended before they were told to, with the reason. */
  dropped: { client: string; why: string }[]
  rpcs: Called[]
  published: Published[]
  /** In the order of the stream. */
  stored: Stored[]
  heard: Heard[]
  replaced: Ended[]
  /** Every instance that was started. */
  instances: string[]
}
