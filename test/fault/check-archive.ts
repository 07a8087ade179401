/** What Postgres holds against what the stream holds (promise G6): each publication one row, and the checkpoint at the end. */
import {
  grouped,
  listed,
  named,
  type ArchiveContent,
  type ArchivedRow,
  type Report,
  type StreamContent,
} from './evidence.js'

export function checkArchive(stream: StreamContent, archive: ArchiveContent, report: Report): void {
  const rows = grouped(archive.rows, keyOf)
  const missing: string[] = []
  for (const publication of stream.publications) {
    const key = keyOf(publication)
    const found = rows.get(key)?.length ?? 0
    if (found === 0) missing.push(named(publication))
    if (found > 1) report('archive-twice', `Postgres has ${found} rows of ${named(publication)}`)
    rows.delete(key)
  }
  if (missing.length > 0) report('archive-missing', `Postgres lacks ${missing.length}: ${listed(missing)}`)
  const invented = [...rows.values()].flat().map(({ seq, channel }) => `seq ${seq} of ${channel}`)
  if (invented.length > 0)
    report(
      'archive-invented',
      `Postgres has ${invented.length} that the stream hasn't so: ${listed(invented)}`,
    )
  if (archive.deadLetters > 0)
    report('archive-missing', `Postgres refused ${archive.deadLetters}, which are among the dead letters`)
  if (archive.checkpointSeq !== stream.lastSeq)
    report(
      'archive-checkpoint',
      `the checkpoint is at ${archive.checkpointSeq}, the stream ends at ${stream.lastSeq}`,
    )
}

/** Channel names have no blanks here. */
const keyOf = ({ channel, seq, hash }: ArchivedRow): string => `${channel} ${seq} ${hash}`
