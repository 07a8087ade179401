export interface Settings {
  seed: number
  /** Frames and HTTP bodies that are judged. */
  inputs: number
  /** Before them: for what a process learns once, and then keeps. */
  warmUpInputs: number
  /**
   * Cases under way at once. A few keep the gateway as busy as many: more only queue in front of it, beside the healthy clients, on a
   * machine that has to run all of this.
   */
  atOnce: number
  /** For how long nothing may move before a case counts as hung. */
  withinMs: number
  /** What the process may hold more after than before. */
  memoryBytes: number
  /** For the healthy clients' p99. */
  healthyP99Ms: number
}

/** What the release is judged by. */
export const fullSettings: Omit<Settings, 'seed'> = {
  inputs: 200_000,
  warmUpInputs: 50_000,
  atOnce: 4,
  withinMs: 20_000,
  memoryBytes: 10 * 2 ** 20,
  healthyP99Ms: 100,
}
