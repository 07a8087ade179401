export type {
  Archive,
  ArchiveBatch,
  ArchiveClaim,
  ArchiveGap,
  ArchivePage,
  ArchiveQuery,
  ArchiveRow,
  ArchiveWriter,
  BatchReport,
  Checkpoint,
  Publication,
} from './archive.js'
export type { ArchiveEvents } from './archive-events.js'
export { MemoryArchive, MemoryArchiveStore } from './memory/memory-archive.js'
export { createPostgresArchive, type PostgresArchiveOptions } from './postgres/postgres-archive.js'
export { queryableJson } from './queryable-json.js'
