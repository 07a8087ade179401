/** What is in the file system of an image, and what its SBOM says of it. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** `name@version` of each package in node_modules, nested ones too, sorted. */
export function packagesIn(modules: string): string[] {
  const found = new Set<string>()
  for (const folder of packageFolders(modules)) {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Named
    found.add(`${name}@${version}`)
    const nested = join(folder, 'node_modules')
    if (existsSync(nested)) for (const one of packagesIn(nested)) found.add(one)
  }
  return [...found].toSorted()
}

interface Named {
  name: string
  version: string
}

function packageFolders(modules: string): string[] {
  const folders = (parent: string): string[] =>
    readdirSync(parent)
      .filter((name) => !name.startsWith('.'))
      .map((name) => join(parent, name))
  return folders(modules).flatMap((folder) => (basename(folder).startsWith('@') ? folders(folder) : [folder]))
}

/** The same of a CycloneDX file: by their package URLs, since a package may be installed under another name. */
export function packagesOfSbom(file: string): string[] {
  const { bomFormat, components } = JSON.parse(readFileSync(file, 'utf8')) as {
    bomFormat: string
    components: { purl: string }[]
  }
  if (bomFormat !== 'CycloneDX') throw new Error(`${file} is ${bomFormat}`)
  const names = components.map(({ purl }) => decodeURIComponent(/^pkg:npm\/([^?]+)/.exec(purl)?.[1] ?? purl))
  return [...new Set(names)].toSorted()
}

/** Files and folders on this file system that a user who is nobody's owner may write; links have no rights of their own. */
export function writableFor({ uid, gid }: { uid: number; gid: number }, root: string): string[] {
  const found: string[] = []
  for (const path of pathsIn(root)) {
    const { mode, uid: owner, gid: group } = lstatSync(join(root, path))
    const may = (bit: number): boolean => (mode & bit) !== 0
    if (may(0o002) || (group === gid && may(0o020)) || owner === uid) found.push(path)
  }
  return found.toSorted()
}

/**
 * Paths from the root: `/usr/bin/` of a folder, `/usr/bin/env` of a file. Without what is mounted at a start, and without links,
 * which aren't followed.
 */
export function pathsIn(root: string): string[] {
  const found: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`
      if (!entry.isSymbolicLink()) found.push(path)
      if (entry.isDirectory() && !['/dev/', '/proc/', '/sys/'].includes(path)) walk(path)
    }
  }
  walk('/')
  return found
}
