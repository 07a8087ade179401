/**
 * Where images can't be built: the Dockerfile's stages as plain commands, each in a folder that is empty at first. What COPY copies is
 * copied, what RUN runs in a build stage is run. The last stage's RUN is left out: it installs Debian's packages, which needs root.
 */
import { chmod, cp, mkdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { run } from '../../../tools/run.mjs'
import { readRepositoryFile, root } from '../../../tools/repository.js'
import { instructionsOf } from '../shared/dockerfile.js'

interface Stage {
  name: string
  folder: string
  workdir: string
}

/** Answers the folder that would be the image's root. Rejects with what a command printed. */
export async function buildPlainly(folder: string, args: Readonly<Record<string, string>>): Promise<string> {
  const stages: Stage[] = []
  const text = readRepositoryFile('Dockerfile')
  const last = [...instructionsOf(text)].filter(([instruction]) => instruction === 'FROM').length
  for (const [instruction, rest] of instructionsOf(text)) {
    const stage = stages.at(-1)
    if (instruction === 'FROM') stages.push(await newStage(folder, rest))
    else if (stage === undefined) continue
    else if (instruction === 'WORKDIR')
      await mkdir(inside(stage, (stage.workdir = rest)), { recursive: true })
    else if (instruction === 'COPY') await copy(stages, stage, rest)
    else if (instruction === 'RUN' && stages.length < last) await runIn(stage, rest, args)
  }
  const final = stages.at(-1)
  if (final === undefined) throw new Error('a Dockerfile without a stage')
  return final.folder
}

async function newStage(parent: string, from: string): Promise<Stage> {
  const name = / AS (\S+)$/i.exec(from)?.[1] ?? 'final'
  const folder = join(parent, name)
  await mkdir(folder)
  await chmod(folder, 0o755)
  return { name, folder, workdir: '/' }
}

/** A path of the stage, on this machine. */
const inside = (stage: Stage, path: string): string => join(stage.folder, resolve(stage.workdir, path))

async function copy(stages: readonly Stage[], to: Stage, rest: string): Promise<void> {
  const words = rest.split(/\s+/)
  const from = stages.find(({ name }) => words[0] === `--from=${name}`)
  const [target = '', ...sources] = words.filter((word) => !word.startsWith('--')).toReversed()
  for (const source of sources) {
    const path = from === undefined ? join(root, source) : inside(from, source)
    const isFolder = (await run('test', ['-d', path])).ok
    const isInto = !isFolder && (target.endsWith('/') || sources.length > 1)
    const place = isInto ? join(inside(to, target), basename(path)) : inside(to, target)
    await cp(path, place, {
      recursive: true,
      verbatimSymlinks: true,
      filter: from === undefined ? isSent : () => true,
    })
  }
}

/** As .dockerignore has it. */
const isSent = (path: string): boolean =>
  !/\/(?:node_modules|dist|test)(?:\/|$)|\.spec\.ts$|\.md$/.test(path.slice(root.length))

async function runIn(stage: Stage, command: string, args: Readonly<Record<string, string>>): Promise<void> {
  const script = command.replaceAll(/--mount=\S+\s+/g, '')
  const env = { ...process.env, ...args, NODE_OPTIONS: '' }
  const { ok, stdout, stderr } = await run('sh', ['-c', script], {
    cwd: inside(stage, '.'),
    env,
    timeoutMs: 400_000,
  })
  if (!ok) throw new Error((stdout + stderr).trim().slice(-2_000))
}
