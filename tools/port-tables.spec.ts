import { describe, expect, it } from '@jest/globals'
import { defaultBasePort, usedPorts } from '../apps/natter/src/port-plan.js'
import { readRepositoryFile } from './repository.js'

/** The numbers in the first column of the table under this heading. */
function portsIn(page: string, column: number): number[] {
  const section = /^## Ports\n([\s\S]*?)(?=^## )/m.exec(page)?.[1] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.flatMap((row) =>
    [...(row.split('|')[column] ?? '').matchAll(/\d+/g)].map(([port]) => Number(port)),
  )
}

const planned = usedPorts({ dev: false, embedded: ['nats', 'postgres'] }).map(
  ({ offset }) => defaultBasePort + offset,
)
const byNumber = (a: number, b: number) => a - b

describe('the tables of ports', () => {
  it('README lists exactly what the supervisor listens on, because firewalls are written from it', () => {
    expect(portsIn(readRepositoryFile('README.md'), 1).toSorted(byNumber)).toEqual(planned)
  })

  it('the page about laptops lists the same', () => {
    expect(portsIn(readRepositoryFile('docs/operations/laptop.md'), 2).toSorted(byNumber)).toEqual(planned)
  })
})
