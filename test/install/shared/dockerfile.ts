/** What a Dockerfile says about starting its last stage. Not about building it: everything else is passed over. */

export interface Image {
  entrypoint: readonly string[]
  cmd: readonly string[]
  env: Readonly<Record<string, string>>
  workdir: string
  /** As in `USER`: numbers here. Absent: root. */
  user?: { uid: number; gid: number }
}

const empty: Image = { entrypoint: [], cmd: [], env: {}, workdir: '/' }

/**
 * Of the last stage, with what it takes over from earlier stages of the file.
 *
 * @param args build arguments; `ARG NAME=default` gives the others.
 * @throws Error for an ENTRYPOINT or CMD as shell text, or a USER without numbers: neither says what a runtime would do.
 */
export function readDockerfile(text: string, args: Readonly<Record<string, string>> = {}): Image {
  const stages = new Map<string, Image>()
  const known: Record<string, string> = {}
  let [stage, name]: [Image, string] = [empty, '']
  for (const [instruction, rest] of instructionsOf(text)) {
    const value = substituted(rest, known)
    if (instruction === 'FROM') {
      const { from, as } = stageOf(value)
      ;[stage, name] = [stages.get(from) ?? empty, as]
    } else if (instruction === 'ARG') {
      const [key = '', standard] = value.split('=')
      const given = args[key] ?? standard
      if (given !== undefined) known[key] = given
    } else {
      stage = { ...stage, ...changeOf(instruction, value, stage) }
    }
    stages.set(name, stage)
  }
  return stage
}

/** Comments, continued lines and here-documents are taken care of. */
export function* instructionsOf(text: string): Generator<[instruction: string, rest: string]> {
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    let line = lines[at] ?? ''
    if (/^\s*(#|$)/.test(line)) continue
    while (line.endsWith('\\')) {
      at += 1
      const next = lines[at] ?? ''
      line = line.slice(0, -1) + (/^\s*#/.test(next) ? '\\' : ` ${next.trim()}`)
    }
    for (const [, , word] of line.matchAll(/<<-?(["']?)(\w+)\1/g))
      while (at < lines.length && lines[at]?.trim() !== word) at += 1
    const [, instruction = '', rest = ''] = /^\s*(\w+)\s*(.*)$/.exec(line) ?? []
    yield [instruction.toUpperCase(), rest.trim()]
  }
}

const substituted = (text: string, known: Readonly<Record<string, string>>): string =>
  text.replaceAll(
    /\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)/g,
    (whole, braced?: string, standard?: string, bare?: string) => {
      return known[braced ?? bare ?? ''] ?? standard ?? whole
    },
  )

function stageOf(value: string): { from: string; as: string } {
  const [from = '', , as = ''] = value.split(/\s+/).filter((word) => !word.startsWith('--'))
  return { from, as }
}

function changeOf(instruction: string, value: string, stage: Image): Partial<Image> {
  switch (instruction) {
    case 'ENTRYPOINT':
      return { entrypoint: argvIn(instruction, value), cmd: [] }
    case 'CMD':
      return { cmd: argvIn(instruction, value) }
    case 'WORKDIR':
      return { workdir: value }
    case 'USER':
      return { user: userIn(value) }
    case 'ENV':
      return { env: { ...stage.env, ...envIn(value) } }
    default:
      return {}
  }
}

function argvIn(instruction: string, value: string): string[] {
  if (!value.startsWith('['))
    throw new Error(`${instruction} ${value}: write it as a JSON array, a shell is no PID 1`)
  return JSON.parse(value) as string[]
}

function userIn(value: string): { uid: number; gid: number } {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(value) ?? []
  if (uid === undefined)
    throw new Error(`USER ${value}: write it as numbers, so that Kubernetes can see that it isn't root`)
  return { uid: Number(uid), gid: Number(gid ?? uid) }
}

function envIn(value: string): Record<string, string> {
  const pairs = [...value.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g)]
  return Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text.replaceAll(/^"|"$/g, '')]))
}
