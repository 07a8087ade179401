/**
 * The machine's own Debian mirror, read from its apt configuration, as a source line for another suite. So a company's mirror
 * is used where there is one, and no mirror is written down here.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {string} suite
 * @param {string} [etc] apt's folder
 * @returns {string | null} a one-line source, or null when the machine has none for Debian
 */
export function debianSource(suite, etc = '/etc/apt') {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1]?.replaceAll('"', '')
  const first = sourceFiles(etc)
    .flatMap((file) => (file.endsWith('.sources') ? stanzas(file) : lines(file)))
    .find(({ suites, components }) => components.includes('main') && suites.some(isDebianSuite(codename)))
  if (first === undefined) return null
  const options = first.signedBy === undefined ? '' : `[signed-by=${first.signedBy}] `
  return `deb ${options}${first.uri} ${suite} main`
}

/** A plain suite: `bookworm`, `stable`; not `bookworm-security`, whose archive has no other suites. */
const isDebianSuite = (codename) => (suite) =>
  suite === codename || ['oldstable', 'stable', 'testing', 'unstable', 'sid', 'forky'].includes(suite)

function sourceFiles(etc) {
  const parts = join(etc, 'sources.list.d')
  const files = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []
  return [join(etc, 'sources.list'), ...files].filter(
    (file) => /\.(list|sources)$/.test(file) && existsSync(file),
  )
}

/** The form with one source per line. */
function lines(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.replace(/#.*/, '')))
    .filter((match) => match !== null)
    .map(([, options = '', uri, suite, components]) => ({
      uri,
      suites: [suite],
      components: components.trim().split(/\s+/),
      signedBy: /signed-by=(\S+)/.exec(options)?.[1],
    }))
}

/** The deb822 form: stanzas of fields. A key given inline spans lines and can't be said in one line: left to apt's own. */
function stanzas(file) {
  return readFileSync(file, 'utf8')
    .split(/\n\s*\n/)
    .map(fieldsOf)
    .filter((fields) => words(fields.get('types')).includes('deb') && fields.get('enabled') !== 'no')
    .flatMap((fields) =>
      words(fields.get('uris')).map((uri) => ({
        uri,
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        signedBy: /^\/\S+$/.exec(fields.get('signed-by') ?? '')?.[0],
      })),
    )
}

function fieldsOf(stanza) {
  const fields = new Map()
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line)
    if (match !== null) fields.set(match[1].toLowerCase(), match[2].trim())
  }
  return fields
}

const words = (text) => (text ?? '').split(/\s+/).filter((word) => word !== '')
