/** What a run is done to: NATS, Postgres, gateways and persistence, each a process of its own, on free ports. */
import { freePort, startNatsServer } from '@natter/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDatabase, type Database } from './database.js'
import type { Door } from './door.js'
import type { Recorder } from './history.js'
import { pausable, ProgramMember, type Member, type Program } from './members.js'
import type { App } from './programs.js'

export interface Mesh {
  readonly doors: readonly Door[]
  readonly members: ReadonlyMap<string, Member>
  readonly natsUrl: string
  /** Absent where the run has no archive. */
  readonly database: Database | undefined
  /** What the programs have printed, by name; complete after `stop`. */
  logs(): Map<string, readonly string[]>
  stop(): Promise<void>
}

/** Of streams, subjects and the database's schema. */
export const prefix = 'fault'

/** Of the channels that readers and publishers use. */
export const loadNamespace = {
  name: 'load',
  keep: 'archive',
  message_id: '/id',
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  allow_publish_for_client: true,
  allow_publish_for_anonymous: true,
}

const rules = {
  client: {
    allow_anonymous: true,
    // little, so that a reader who stalls is soon a slow one
    max_queue_size: '128KiB',
    max_channels: 2_000,
  },
  channel: {
    namespaces: [loadNamespace],
  },
}

/**
 * @param programs with persistence the run has an archive.
 * @param folder of this run.
 * Resolves when everything takes work.
 */
export async function startMesh(
  programs: ReadonlyMap<App, string>,
  folder: string,
  gateways: number,
  recorder: Recorder,
): Promise<Mesh> {
  const hasArchive = programs.has('persistence')
  const [nats, database] = await Promise.all([startNatsServer(), hasArchive ? startDatabase() : undefined])
  const doors: Door[] = []
  for (let n = 1; n <= gateways; n += 1) doors.push({ name: `gateway-${n}`, port: await freePort() })
  const env = environment(folder, nats.url, database?.url)
  const started = programsOf(programs, env, doors).map((program) => new ProgramMember(program, recorder))
  const servers = [pausable('nats', recorder, (signal) => nats.kill(signal))]
  if (database !== undefined)
    servers.push(pausable('postgres', recorder, (signal) => database.signal(signal)))
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((member) => member.stop()))
    await Promise.all([nats.stop(), database?.stop()])
  }
  try {
    await Promise.all(started.map((member) => member.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    doors,
    members: new Map([...started, ...servers].map((member) => [member.name, member])),
    natsUrl: nats.url,
    database,
    logs: () => new Map(started.map(({ name, lines }) => [name, lines])),
    stop,
  }
}

function environment(folder: string, natsUrl: string, postgresUrl?: string): Record<string, string> {
  const config = join(folder, 'natter.json')
  writeFileSync(config, JSON.stringify(rules, undefined, 2))
  return {
    NATTER_CONFIG: config,
    NATTER_NATS_URL: natsUrl,
    NATTER_NATS_PREFIX: prefix,
    ...(postgresUrl === undefined ? {} : { NATTER_POSTGRES_URL: postgresUrl }),
  }
}

function programsOf(
  mains: ReadonlyMap<App, string>,
  env: Readonly<Record<string, string>>,
  doors: readonly Door[],
): Program[] {
  const gateways = doors.map(({ name, port }) => ({
    name,
    main: mains.get('gateway') ?? '',
    env: { ...env, NATTER_GATEWAY_PORT: String(port), NATTER_GATEWAY_NAME: name },
    isUp: (line: string) => line.includes('"gateway:listen"'),
  }))
  const main = mains.get('persistence')
  if (main === undefined) return gateways
  const isUp = (line: string): boolean => line.includes('"process:start:done"')
  return [...gateways, { name: 'persistence', main, env, isUp }]
}
