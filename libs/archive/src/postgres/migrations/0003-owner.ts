/** Which mesh writes the archive: one row. */
export const owner = {
  name: 'owner',
  sql: `
create table archive_owner (
  id int primary key default 1 check (id = 1),
  mesh text not null,
  since timestamptz not null default now(),
  -- a process of that mesh was here
  seen_at timestamptz not null default now()
);
`,
}
