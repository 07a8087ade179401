/**
 * The last step of the build stage of the Dockerfile: takes out of node_modules and of the built app what no process reads, and puts
 * into the folder `image` what the image has beside them.
 *
 *   node tools/image-layout.mjs <app>
 *
 * I1. Licenses stay: whoever hands an image on hands the packages on.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { filesIn } from './files.mjs'

/** Types, sources, maps, pages. Neither our code nor a package's reads them: Node runs without --enable-source-maps. */
function removeUnread(folder) {
  for (const file of filesIn(folder))
    if (/\.([cm]?ts|map|md|markdown|tsbuildinfo)$/i.test(file) && !isLicense(file)) rmSync(file)
}

/** I1 */
const isLicense = (file) => /^(licen[cs]e|notice|copying)/i.test(basename(file))

/** Node's program is a layer of its own, the same for all apps; what stays of its package is its name, version and license. */
function removeNode(modules) {
  for (const name of readdirSync(modules).filter((one) => one.startsWith('node-linux-')))
    rmSync(join(modules, name, 'bin'), { recursive: true })
}

/** Links to programs, npm's own record, and scopes in which `npm prune` left nothing. */
function removeLeftovers(modules) {
  for (const name of ['.bin', '.package-lock.json'])
    rmSync(join(modules, name), { recursive: true, force: true })
  for (const scope of readdirSync(modules).filter((name) => name.startsWith('@')))
    if (readdirSync(join(modules, scope)).length === 0) rmSync(join(modules, scope), { recursive: true })
}

const [app = ''] = process.argv.slice(2)
removeUnread('node_modules')
removeUnread(join('dist', 'apps', app))
removeNode('node_modules')
removeLeftovers('node_modules')
mkdirSync('image')
renameSync('package.json', join('image', 'package.json'))
symlinkSync(join('dist', 'apps', app, 'apps', app, 'src'), join('image', 'src'))
