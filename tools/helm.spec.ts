import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { wantedVersion } from './helm.mjs'
import { root } from './repository.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'natter-helm-spec-'))
  program('go', 'exit 1') // in front of one where Go's installer leaves it, which would begin to build
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function program(name: string, script: string): string {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

/** It says that it is of this version. */
const fakeHelm = (version: string): string => program('helm', `echo '${version}'`)

/** With nothing around: no cache, and nothing on the PATH but what the test has put into the folder. */
function obtain(env: Record<string, string>) {
  const path = { PATH: folder, XDG_CACHE_HOME: folder, HOME: folder, TMPDIR: folder }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'tools/helm.mjs')], {
    encoding: 'utf8',
    env: { ...path, ...env },
  })
  return { status, file: stdout.trim(), said: stderr }
}

describe('helm', () => {
  it('is the one that is named, before any other', () => {
    const named = fakeHelm(`v${wantedVersion}+g1234567`)
    expect(obtain({ NATTER_HELM: named })).toMatchObject({ status: 0, file: named })
  })

  it('is the one on the PATH, where it is new enough', () => {
    expect(obtain({ NATTER_HELM: '' }).status).toBe(1)
    const found = fakeHelm('v4.0.1')
    expect(obtain({})).toMatchObject({ status: 0, file: found })
    fakeHelm('v3.14.2+gc309b6f')
    expect(obtain({})).toMatchObject({
      status: 1,
      said: expect.stringContaining('is 3.14.2, older than 3.18.0'),
    })
  })

  it('is missed in a sentence that says what to do, where there is no way to one', () => {
    const { status, said } = obtain({})
    expect(status).toBe(1)
    expect(said).toContain('go build: Go is not installed')
    expect(said).toContain('Install helm 3.18.0 or newer')
  })
})
