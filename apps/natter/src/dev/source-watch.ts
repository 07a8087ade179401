import { existsSync, watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'

/** Editors write a file in several steps; a save is over when it was quiet for this long. */
const quietMs = 80

const isSource = (file: string) =>
  /\.(ts|json|ya?ml)$/.test(file) && !/(^|\/)(test|web)\/|\.(int-|e2e-)?spec\.ts$/.test(file)

/** Calls `onSave` with the paths, relative to `root`, that were saved together. */
export function watchSources(
  root: string,
  folders: readonly string[],
  onSave: (files: readonly string[]) => void,
): () => void {
  const saved = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const note = (file: string) => {
    if (!isSource(file)) return
    saved.add(file)
    clearTimeout(timer)
    timer = setTimeout(() => {
      const files = [...saved]
      saved.clear()
      onSave(files)
    }, quietMs)
  }
  const watchers = folders
    .filter((folder) => existsSync(join(root, folder)))
    .map((folder) => watchFolder(join(root, folder), (name) => note(`${folder}/${name}`)))
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}

function watchFolder(folder: string, note: (name: string) => void): FSWatcher {
  return watch(folder, { recursive: true }, (_, name) => {
    if (name !== null) note(name.replaceAll('\\', '/'))
  })
}
