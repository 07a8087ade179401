/** The gateway that is tried, with a NATS of its own. */
import { askOnce, freePort, startNatsServer, startProcess, type ExitInfo } from '@natter/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tokenSecret } from './commands.js'

/**
 * The C library gives what was freed back to the system, instead of keeping it for later: else resident memory tells what was held at
 * once at most, in pieces, and not what is held.
 */
const frugal = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '16384',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_TOP_PAD_: '0',
}

/** So that a case reaches everything there is; what is off answers 108 elsewhere. */
const open = {
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  allow_user_limited_channels: true,
  allow_publish_for_client: true,
  allow_publish_for_anonymous: true,
  allow_history_for_client: true,
  allow_history_for_anonymous: true,
  allow_presence_for_client: true,
  allow_presence_for_anonymous: true,
}
const watched = { presence: true, join_leave: true, force_push_join_leave: true }

const rules = {
  gateway: { max_connections: 20_000 },
  client: {
    allow_anonymous: true,
    token_hmac_secret_key: tokenSecret,
    connection_rate_limit: 0,
    stale_close_delay: '1s', // so that a client which has to go goes while the case lasts
    subscribe_to_user_personal_channel: false,
  },
  transport: { http_stream: true, sse: true, uni_websocket: true, uni_sse: true, uni_http_stream: true },
  channel: {
    without_namespace: { ...open, allow_publish_for_client: false },
    namespaces: [
      { name: 'kept', keep: 'stream', history_size: 50, ...open },
      {
        name: 'short',
        keep: 'stream',
        history_size: 5,
        history_ttl: '2s',
        ...open,
        publication_data_format: 'json_object',
      },
      { name: 'quick', ...open },
      { name: 'seen', keep: 'stream', history_size: 10, ...open, ...watched, channel_regex: '^[^ ]*$' },
      { name: 'tagged', keep: 'stream', history_size: 20, ...open, allow_tags_filter: true },
      {
        name: 'cached',
        keep: 'stream',
        history_size: 1,
        ...open,
        force_recovery_mode: 'cache',
        auto_cache_recover: true,
      },
      {
        name: 'patched',
        keep: 'stream',
        history_size: 20,
        ...open,
        allowed_delta_types: ['fossil'],
        delta_publish: true,
      },
      { name: 'healthy', keep: 'stream', history_size: 100, ...open },
    ],
  },
  log: { level: 'warn' },
}

export interface Memory {
  rss: number
  heapUsed: number
  external: number
}

export interface Target {
  readonly port: number
  readonly pid: number
  readonly lines: readonly string[]
  /** Resolves when it ends: nobody asked it to. */
  readonly exited: Promise<ExitInfo>
  /** After forced collections. */
  memory(): Promise<Memory>
  /** Of its metrics page. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

export async function startTarget(program: string, folder: string): Promise<Target> {
  const config = join(folder, 'natter.json')
  writeFileSync(config, JSON.stringify(rules, undefined, 2))
  const [nats, port, opsPort, controlPort] = await Promise.all([
    startNatsServer(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const args = ['--expose-gc', '--import', join(import.meta.dirname, 'control.mjs'), program]
  const env = {
    ...frugal,
    FUZZ_CONTROL_PORT: String(controlPort),
    NATTER_CONFIG: config,
    NATTER_NATS_URL: nats.url,
    NATTER_NATS_PREFIX: 'fuzz',
    NATTER_GATEWAY_NAME: 'fuzzed',
    NATTER_GATEWAY_PORT: String(port),
    NATTER_OPS_PORT: String(opsPort),
    NATTER_LOG_LEVEL: 'info',
  }
  const gateway = await startProcess({ args, env })
  const stop = async (): Promise<void> => {
    await gateway.kill('SIGKILL')
    await nats.stop()
  }
  try {
    await gateway.waitForLine((line) => line.includes('"gateway:listen"'), 60_000)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port,
    pid: gateway.pid,
    lines: gateway.lines,
    exited: gateway.exited,
    memory: async () =>
      JSON.parse((await askOnce(`http://127.0.0.1:${controlPort}/`, 20_000)).text) as Memory,
    metric: async (name) => {
      const { text } = await askOnce(`http://127.0.0.1:${opsPort}/metrics`, 10_000)
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
      return values.reduce((sum, [, value]) => sum + Number(value), 0)
    },
    stop,
  }
}
