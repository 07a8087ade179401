import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { withClient } from '@natter/testing'
import { Centrifuge } from 'centrifuge'
import { planPorts } from '../src/port-plan.js'
import { embedded, MeshSite, until, type RunningMesh } from './running-mesh.js'

/** The real gateways and persistence, with the repository's own natter.yaml. */
describe('a mesh with its archive', () => {
  let site: MeshSite
  let mesh: RunningMesh

  beforeEach(async () => {
    site = await MeshSite.open()
    mesh = site.start({ postgres: embedded, env: { STAND_IN_PROGRAMS: 'real' } })
    await mesh.ready()
  }, 60_000)

  afterEach(() => site.clear())

  async function archived(): Promise<string[]> {
    const url = readFileSync(join(site.folder, 'postgres.url'), 'utf8').trim()
    const { rows } = await withClient(url, (client) =>
      client.query<{ text: string }>(
        `select convert_from(data, 'UTF8') as text from natter.history where channel = 'hello:archive' order by seq`,
      ),
    )
    return rows.map(({ text }) => text)
  }

  async function publish(port: number, texts: readonly string[]): Promise<void> {
    const client = new Centrifuge(`ws://127.0.0.1:${port}/connection/websocket`)
    try {
      client.connect()
      for (const text of texts) await client.publish('hello:archive', { text })
    } finally {
      client.disconnect()
    }
  }

  const rowsOf = (texts: readonly string[]) => texts.map((text) => JSON.stringify({ text }))
  const hasAll = (texts: readonly string[]) => async () => {
    const rows = await archived().catch(() => []) // Postgres may be away
    return rows.length >= texts.length
  }

  it('has each publication as a row, once and in order, though Postgres and persistence are killed meanwhile', async () => {
    const ports = planPorts(mesh.basePort)
    const first = ['one', 'two', 'three']
    await publish(ports['gateway-1'], first)
    await until(hasAll(first), 15_000, 'the first rows')

    process.kill(mesh.process('postgres-server').pid, 'SIGKILL')
    const second = [...first, 'while Postgres is away', 'and again']
    await publish(ports['gateway-2'], second.slice(first.length)) // a gateway doesn't wait for Postgres
    await until(hasAll(second), 20_000, 'the rows after the kill of Postgres')

    process.kill(mesh.process('persistence').pid, 'SIGKILL')
    const third = [...second, 'while persistence is away']
    await publish(ports['gateway-1'], third.slice(second.length))
    await until(hasAll(third), 20_000, 'the rows after the kill of persistence')
    expect(await archived()).toEqual(rowsOf(third))
  }, 90_000)
})
