import { delimiter } from 'node:path'

/** Go's own installer leaves it there, and not every shell has that on its PATH. */
export const goEnv = { ...process.env, PATH: [process.env.PATH, '/usr/local/go/bin'].join(delimiter) }
