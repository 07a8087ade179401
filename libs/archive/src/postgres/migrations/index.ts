import { tables } from './0001-tables.js'
import { closedEpochs } from './0002-closed-epochs.js'
import { owner } from './0003-owner.js'

export interface Migration {
  name: string
  /** Names without a schema mean the archive's. */
  sql: string
}

/** In order; a migration's version is its place, from 1. */
export const migrations: readonly Migration[] = [tables, closedEpochs, owner]
