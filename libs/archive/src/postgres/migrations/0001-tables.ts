/** The first tables. A migration that was released is never changed: its hash is recorded. */
export const tables = {
  name: 'tables',
  sql: `
create table archive_namespace (
  id int generated always as identity primary key,
  name text not null unique
);

create table archive_epoch (
  -- one series for all streams: grows with the epochs of each
  ordinal int generated always as identity primary key,
  stream text not null,
  epoch text not null,
  began_at timestamptz not null default now(),
  -- of a closed epoch: its last checkpoint, and whether everything of it had been archived
  last_seq bigint,
  lossless boolean,
  unique (stream, epoch)
);

create table archive_checkpoint (
  stream text primary key,
  epoch text not null,
  seq bigint not null,
  time_ns bigint not null,
  digest text not null,
  rolling bigint not null,
  moved_at timestamptz not null default now()
);

create table archive_gap (
  epoch_ordinal int not null references archive_epoch,
  from_seq bigint not null,
  to_seq bigint not null,
  reason text not null,
  found_at timestamptz not null default now(),
  primary key (epoch_ordinal, from_seq)
);

-- which sequences lie in a day: bounds a read by time
create table archive_span (
  epoch_ordinal int not null references archive_epoch,
  namespace text not null,
  day date not null,
  min_seq bigint not null,
  max_seq bigint not null,
  forgotten boolean not null default false,
  primary key (epoch_ordinal, namespace, day)
);

create table publications (
  seq bigint not null,
  time_ns bigint not null,
  published_at timestamptz not null,
  epoch_ordinal int not null,
  -- j: data is the text of one JSON value; b: bytes
  kind "char" not null,
  namespace text not null,
  channel text not null,
  meta bytea not null,
  data bytea not null,
  json jsonb
) partition by list (namespace);
create index publications_channel on publications (channel, epoch_ordinal, seq);

-- bytea for all that a client could choose: nothing in it can be refused
create table dead_letter (
  stream text not null,
  epoch text not null,
  seq bigint not null,
  time_ns numeric not null,
  namespace bytea not null,
  channel bytea not null,
  kind "char" not null,
  meta bytea not null,
  data bytea not null,
  reason text not null,
  refused_at timestamptz not null default now(),
  primary key (stream, epoch, seq)
);

-- null where the bytes aren't text
create function archive_text(bytes bytea) returns text language plpgsql immutable strict as $$
begin
  return convert_from(bytes, 'UTF8');
exception when others then
  return null;
end $$;

create view history as
  select p.published_at, p.namespace, p.channel, p.seq, p.json, archive_text(p.data) as text,
    case p.kind when 'j' then 'json' else 'bin' end as kind, archive_text(p.meta) as meta, p.data,
    e.stream, e.epoch, p.epoch_ordinal, p.time_ns
  from publications p left join archive_epoch e on e.ordinal = p.epoch_ordinal;
`,
}
