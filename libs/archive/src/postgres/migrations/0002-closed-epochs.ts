/**
 * The whole last checkpoint of a closed epoch: what proves, when the epoch returns, that its stream lost nothing. Epochs that were
 * closed before have null: nothing can be proven of them.
 */
export const closedEpochs = {
  name: 'closed-epochs',
  sql: `
alter table archive_epoch
  add column last_time_ns bigint,
  add column last_digest text,
  add column last_rolling bigint;
`,
}
