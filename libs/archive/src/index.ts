export type {
  Archive,
  ArchiveBatch,
  ArchiveGap,
  ArchivePage,
  ArchiveQuery,
  ArchiveRow,
  ArchiveWriter,
  BatchReport,
  Checkpoint,
  Publication,
} from './archive.js'
