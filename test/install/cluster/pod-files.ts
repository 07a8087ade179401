/** The volumes of a pod, as folders of this machine, and where its containers find them. */
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { localText, type Place } from '../shared/local-text.js'
import { textsOf, type ContainerSpec, type Manifest, type PodSpec, type VolumeSpec } from './manifests.js'

export interface VolumeWorld {
  configMaps: ReadonlyMap<string, Manifest>
  secrets: ReadonlyMap<string, Manifest>
  /** Of the pod; goes with it. */
  folder: string
  /** Of a claim; stays. */
  claimFolder(claim: string): string
  /** Of the claims that a StatefulSet makes for its pods, by volume. */
  claims: ReadonlyMap<string, string>
}

/** Makes them all, still without content. Answers the folder of each. */
export function makeVolumes({ volumes = [] }: PodSpec, world: VolumeWorld): Map<string, string> {
  const folders = new Map<string, string>()
  for (const volume of volumes) folders.set(volume.name, folderOf(volume, world))
  for (const [name, claim] of world.claims) folders.set(name, world.claimFolder(claim))
  for (const folder of folders.values()) mkdirSync(folder, { recursive: true })
  return folders
}

const folderOf = (volume: VolumeSpec, world: VolumeWorld): string =>
  volume.persistentVolumeClaim === undefined
    ? join(world.folder, volume.name)
    : world.claimFolder(volume.persistentVolumeClaim.claimName)

/** What a container sees where. @throws Error for a mount without a volume. */
export function pathsOf(
  { volumeMounts = [] }: ContainerSpec,
  folders: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map(
    volumeMounts.map(({ name, mountPath, subPath = '' }) => {
      const folder = folders.get(name)
      if (folder === undefined) throw new Error(`${mountPath}: there is no volume ${name}`)
      return [mountPath.replace(/\/$/, ''), join(folder, subPath)]
    }),
  )
}

/** Writes config maps and secrets, as this machine has to read them. @throws Error where one isn't there and has to be. */
export function fillVolumes(
  { volumes = [] }: PodSpec,
  folders: ReadonlyMap<string, string>,
  world: VolumeWorld,
  place: Place,
): void {
  for (const volume of volumes)
    for (const [path, text] of Object.entries(filesOf(volume, world))) {
      const file = join(folders.get(volume.name) ?? '', path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, withAddress(localText(text, place), place.address))
    }
}

interface Source {
  texts: Record<string, string>
  items: readonly { key: string; path: string }[] | undefined
}

function filesOf(
  { configMap, secret, projected, ...rest }: VolumeSpec,
  world: VolumeWorld,
): Record<string, string> {
  const from = (among: ReadonlyMap<string, Manifest>, name: string, isOptional = false) => {
    const found = among.get(name)
    if (found === undefined && !isOptional) throw new Error(`volume ${rest.name}: there is no ${name}`)
    return found === undefined ? {} : textsOf(found)
  }
  const sources: Source[] = [
    ...(configMap
      ? [{ texts: from(world.configMaps, configMap.name, configMap.optional), items: configMap.items }]
      : []),
    ...(secret
      ? [{ texts: from(world.secrets, secret.secretName, secret.optional), items: secret.items }]
      : []),
    ...(projected?.sources ?? []).map((source) => ({
      texts: {
        ...(source.configMap && from(world.configMaps, source.configMap.name, source.configMap.optional)),
        ...(source.secret && from(world.secrets, source.secret.name, source.secret.optional)),
      },
      items: (source.configMap ?? source.secret)?.items,
    })),
  ]
  return Object.assign({}, ...sources.map(chosen)) as Record<string, string>
}

function chosen({ texts, items }: Source): Record<string, string> {
  if (items === undefined) return texts
  return Object.fromEntries(items.map(({ key, path }) => [path, texts[key] ?? '']))
}

/**
 * In nats-server's files `-a` doesn't reach the cluster's listener: without an address it takes that port of the whole machine.
 */
function withAddress(text: string, address: string): string {
  return text.replaceAll(
    /^(\s*cluster\s*[:=]?\s*\{)(?![^}]*\b(?:listen|host|net)\b\s*[:=]?\s*["\d])/gm,
    `$1 host: "${address}",`,
  )
}

/** As `fsGroup` does: all of it is the user's. Only root can give. */
export function giveTo(folder: string, { uid, gid }: { uid: number; gid: number }): void {
  if (process.getuid?.() !== 0) return
  for (const entry of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    chownSync(join(folder, entry), uid, gid)
}
