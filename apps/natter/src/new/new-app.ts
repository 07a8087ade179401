import { InvalidError } from '@natter/primitives'
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Makes a project for an app: the template's files with its name, and the packages it needs of ours as tarballs in `packages/`, so that it
 * stands anywhere and knows nothing of this repository.
 *
 * @throws InvalidError `app-name`, `folder-not-empty`: when the name can't be a package's and an app's, or the folder isn't empty.
 */
export async function newApp(folder: string, root: string): Promise<readonly string[]> {
  const name = basename(folder)
  if (!/^[a-z0-9][-a-z0-9_]{0,63}$/.test(name))
    throw new InvalidError(
      'app-name',
      `"${name}" can't be an app's name: take at most 64 of a-z, 0-9, - and _, e.g. my-app.`,
    )
  await requireEmpty(folder)
  const words = { name, ...(await versions(root)), ...(await tarballs(folder, root)) }
  await cp(join(root, 'apps', 'natter', 'template', 'app'), folder, { recursive: true })
  await rename(join(folder, 'gitignore'), join(folder, '.gitignore')) // npm and git read it under its own name
  for (const file of await filesIn(folder)) await fill(file, words)
  return [`cd ${folder}`, 'npm install', 'npm test', 'npm run build && npm start']
}

async function requireEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0)
    throw new InvalidError('folder-not-empty', `${folder} is not empty: name a folder that isn't there yet.`)
}

/** As this repository has them: versions that were tested together. */
async function versions(root: string): Promise<Record<string, string>> {
  const text = await readFile(join(root, 'package.json'), 'utf8')
  const { dependencies, devDependencies } = JSON.parse(text) as Record<string, Record<string, string>>
  return { ...devDependencies, ...dependencies }
}

async function tarballs(folder: string, root: string): Promise<{ nest: string; client: string }> {
  const packer = (await import(pathToFileURL(join(root, 'tools', 'pack.mjs')).href)) as {
    pack(out: string): Promise<Record<string, string>>
  }
  const packed = await packer.pack(join(folder, 'packages'))
  const at = (name: string): string => `file:packages/${basename(packed[name] ?? '')}`
  return { nest: at('@natter/nest'), client: at('@natter/client') }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tgz'))
    .map((entry) => join(entry.parentPath, entry.name))
}

async function fill(file: string, words: Readonly<Record<string, string>>): Promise<void> {
  const text = await readFile(file, 'utf8')
  await writeFile(
    file,
    text.replaceAll(/\{\{([^{}]+)\}\}/g, (whole, word: string) => words[word] ?? whole),
  )
}
