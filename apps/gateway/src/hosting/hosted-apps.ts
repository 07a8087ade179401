/**
 * Apps that run within the gateway: modules of Nest, named by the setting `gateway.apps`.
 *
 * B1. They are in the mesh as all instances are, by a connection to NATS of their own. What the gateway's sockets do is theirs with scope
 *     `node`, because they announce whose guests they are: the gateway's name is in the environment before the first is loaded.
 * B2. An app brings packages of its own, or shares the gateway's: no class and no symbol is compared, and the Nest that starts it is the
 *     one that its own module finds.
 * B3. A start ends when the gateway can tell them what happens, so no client is let in before that; or with the path of the one that failed.
 * B4. An end waits for their handlers in work, and not for ever: the process has a deadline.
 */
import type { HookCaller } from '@natter/hooks'
import { InvalidError, type Clock } from '@natter/primitives'
import type { INestApplicationContext, LoggerService, Type } from '@nestjs/common'
import type { NestFactory } from '@nestjs/core'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { moduleIn } from './module-in.js'

/** Told to apps that a gateway loads; `libs/nest` reads it. */
export const hostNodeVariable = 'NATTER_HOST_NODE'

interface Nest {
  NestFactory: Pick<typeof NestFactory, 'createApplicationContext'>
}

const joinedWithinMs = 2_000
const lookEveryMs = 10

export interface HostOptions {
  /** From the working directory. */
  paths: readonly string[]
  /** The gateway's name. */
  node: string
  logger: LoggerService
  clock: Clock
  /** Knows who is in the mesh. */
  hooks: Pick<HookCaller, 'instances'>
}

export interface HostedApps {
  readonly count: number
  /** Resolves when all have drained, after `withinMs` at the latest. Never rejects. */
  close(withinMs: number): Promise<void>
}

/** @throws InvalidError `bad-app`: one of them can't be loaded or doesn't start, with its path. */
export async function hostApps(options: HostOptions): Promise<HostedApps> {
  const { paths, node, logger, clock, hooks } = options
  const joined = (): number => hooks.instances.filter((one) => one.isReady && one.node === node).length
  if (paths.length > 0) process.env[hostNodeVariable] = node // B1
  const apps: INestApplicationContext[] = []
  for (const path of paths) {
    const before = joined()
    apps.push(await start(path, logger))
    const isIn = await until(() => joined() > before, joinedWithinMs, clock) // B3
    if (!isIn)
      logger.warn?.(`The app ${path} of gateway.apps is not in the mesh: does it import NatterModule?`)
  }
  return { count: apps.length, close: (withinMs) => closeAll(apps, withinMs, logger, clock) }
}

async function start(path: string, logger: LoggerService): Promise<INestApplicationContext> {
  const file = resolve(path)
  try {
    await access(file)
    const module = moduleIn((await import(pathToFileURL(file).href)) as Record<string, unknown>)
    const { NestFactory } = await nestOf(file)
    return await NestFactory.createApplicationContext(module as Type, { logger, abortOnError: false })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new InvalidError('bad-app', `The app ${path} of gateway.apps can't be started: ${why}`, { cause })
  }
}

/** B2 */
async function nestOf(file: string): Promise<Nest> {
  const core = createRequire(file).resolve('@nestjs/core')
  return (await import(pathToFileURL(core).href)) as Nest
}

/** B4 */
async function closeAll(
  apps: readonly INestApplicationContext[],
  withinMs: number,
  logger: LoggerService,
  clock: Clock,
): Promise<void> {
  let isClosed = apps.length === 0
  const closing = Promise.allSettled(apps.map((app) => app.close())).then((outcomes) => {
    isClosed = true
    for (const one of outcomes) if (one.status === 'rejected') logger.error(one.reason)
  })
  if (isClosed) return
  await new Promise<void>((done) => {
    const timer = clock.setTimer(done, withinMs)
    void closing.then(() => {
      timer.cancel()
      done()
    })
  })
  if (!isClosed) logger.warn?.(`Apps of gateway.apps are still at work after ${withinMs} ms: left alone`)
}

async function until(isSo: () => boolean, withinMs: number, clock: Clock): Promise<boolean> {
  const endMs = clock.now() + withinMs
  while (!isSo()) {
    if (clock.now() >= endMs) return false
    await new Promise<void>((done) => void clock.setTimer(done, lookEveryMs))
  }
  return true
}
