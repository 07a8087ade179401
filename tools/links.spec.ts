import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readRepositoryFile, repositoryFiles, root } from './repository.js'

const pages = repositoryFiles().filter((file) => file.endsWith('.md') && existsSync(join(root, file)))

/** Targets of links outside code, with those that leave the repository left out. */
function linksOf(page: string): string[] {
  const prose = page.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** A heading's anchor as the usual renderers make it. */
function anchorsOf(page: string): Set<string> {
  const headings = page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ +(.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )
}

/** What is wrong with a link, or null. */
function fault(page: string, link: string): string | null {
  const [path = '', anchor] = link.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, file))) return `${link}: no such file`
  if (anchor === undefined || !file.endsWith('.md')) return null
  return anchorsOf(readRepositoryFile(file)).has(anchor) ? null : `${link}: no such heading`
}

describe('links between pages', () => {
  it.each(pages)(
    '%s leads only to what exists, because a reader who meets a dead end stops reading',
    (page) => {
      const faults = linksOf(readRepositoryFile(page)).map((link) => fault(page, link))
      expect(faults.filter((found) => found !== null)).toEqual([])
    },
  )
})
