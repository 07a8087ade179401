/** What runs here for a container: its image, and what stands in place of the image's ENTRYPOINT and CMD. */
import { natsServerBinary } from '@natter/testing'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDockerfile, type Image } from './dockerfile.js'
import { localEnv, localText, type Place } from './local-text.js'

const repo = join(import.meta.dirname, '../../..')

export type LocalProgram =
  | {
      kind: 'process'
      file: string
      args: readonly string[]
      env: Readonly<Record<string, string>>
      user?: Image['user']
    }
  | { kind: 'postgres' }

/** Both as Kubernetes has them; in compose they are `entrypoint` and `command`. */
export interface Given {
  /** In place of ENTRYPOINT; CMD goes with it. */
  command?: readonly string[] | undefined
  /** In place of CMD. */
  args?: readonly string[] | undefined
}

/** An image that isn't known here: whatever the function answers. */
export type OtherImage = (given: Given, place: Place) => LocalProgram

export interface Images {
  /** Of our apps. */
  app: Image
  /** The folder with `apps/<app>`, as `tools/build.mjs` leaves it. */
  build: string
  /** By the last part of the name, without the tag: `nginx`. */
  others: ReadonlyMap<string, OtherImage>
}

/** @param build default: the repository's. Nothing is built here. */
export function imagesOfRepository(
  others: ReadonlyMap<string, OtherImage> = new Map(),
  build = join(repo, 'dist'),
): Images {
  const app = readDockerfile(readFileSync(join(repo, 'Dockerfile'), 'utf8'), { APP: 'gateway' })
  return { app, build, others }
}

/** As Docker and Kubernetes put them together. */
export function argvOf(
  { entrypoint, cmd }: Pick<Image, 'entrypoint' | 'cmd'>,
  { command, args }: Given,
): string[] {
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])]
  return [...entrypoint, ...(args !== undefined && args.length > 0 ? args : cmd)]
}

/** @throws Error for an image or a command that nothing here stands for. */
export function programOf(image: string, given: Given, images: Images, place: Place): LocalProgram {
  const { folder, name } = nameOf(image)
  const other = images.others.get(name)
  if (other !== undefined) return other(given, place)
  const local = (argv: readonly string[]): string[] => argv.map((arg) => localText(arg, place))
  if (folder === 'natter') return appProgram(name, local(argvOf(images.app, given)), images, place)
  if (name === 'nats') return natsProgram(local(argvOf(natsImage, given)), place)
  if (name === 'postgres') return { kind: 'postgres' }
  throw new Error(`nothing on this machine stands for the image ${image}: name it among the others`)
}

/** Of `registry:5000/natter/gateway:1.2@sha256:…`: natter and gateway. */
export function nameOf(image: string): { folder: string; name: string } {
  const [folder = '', last = ''] = ['', '', ...image.replace(/@.*$/, '').split('/')].slice(-2)
  return { folder, name: last.replace(/:.*$/, '') }
}

function appProgram(
  app: string,
  argv: readonly string[],
  { app: image, build }: Images,
  place: Place,
): LocalProgram {
  const [file, ...args] = withoutInit(argv)
  const source = (arg: string): string =>
    arg.replace(/^(?:\/app\/)?src\//, `${join(build, 'apps', app, 'apps', app, 'src')}/`)
  if (file === undefined || !/(^|\/)node$/.test(file))
    throw new Error(`${app}: ${argv.join(' ')} runs no node`)
  // what the image's own libraries and folders need is not of this machine
  const env = Object.entries(image.env).filter(([name]) => !/^(PATH|LD_.*|HOME)$/.test(name))
  const user = image.user === undefined ? {} : { user: image.user }
  return {
    kind: 'process',
    file: process.execPath,
    args: args.map(source),
    env: localEnv(Object.fromEntries(env), place),
    ...user,
  }
}

/** Tini with its flags: here the parent buries the dead. */
function withoutInit(argv: readonly string[]): readonly string[] {
  if (!/(^|\/)tini$/.test(argv[0] ?? '')) return argv
  const end = argv.indexOf('--')
  return end === -1
    ? argv.slice(argv.findIndex((arg, at) => at > 0 && !arg.startsWith('-')))
    : argv.slice(end + 1)
}

const natsImage = { entrypoint: [], cmd: ['nats-server'] }

/** The image's script puts the server before what looks like a flag. Without an address the server would take all of them. */
function natsProgram(argv: readonly string[], { address }: Place): LocalProgram {
  const [first = ''] = argv
  const args = first.startsWith('-') ? argv : argv.slice(1)
  if (!first.startsWith('-') && !/(^|\/)nats-server$/.test(first))
    throw new Error(`nats: ${argv.join(' ')} runs no nats-server`)
  return { kind: 'process', file: natsServerBinary(), args: ['-a', address, ...args], env: {} }
}
