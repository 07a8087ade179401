/** How a Node program is started: from `dist`, or from source with a loader in front. */
export interface Program {
  file: string
  /** Flags of Node itself, before the file. */
  execArgv: readonly string[]
  args?: readonly string[]
}
