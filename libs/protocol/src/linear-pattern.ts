/**
 * Regular expressions that take time in proportion to text and expression, whatever either says: what is matched comes from strangers,
 * and an engine that goes back could be kept busy for minutes by one name.
 *
 * L1. An expression matches the whole of a text, or not at all.
 * L2. All places in the expression where a match may stand are walked at once, one character at a time; none is visited twice for one.
 * L3. What can't be matched so (look-around, references to groups), what means different things to different engines, and what would be
 *     larger than `maxSteps` is refused when it is read.
 */

/** How much of an expression is walked for each character at most: `a{200}` is 200. */
export const maxSteps = 1_000

export interface LinearPattern {
  /** @param isClosed Characters that have to be written in the expression, each by itself: no `.`, class or range stands for them. */
  matches(text: string, isClosed?: (codePoint: number, place: number) => boolean): boolean
}

/** `isOpen`: the character may be one that isn't written. */
type Test = (codePoint: number, isOpen: boolean) => boolean

type Node =
  | { kind: 'one'; test: Test }
  | { kind: 'edge'; edge: 'start' | 'end' }
  | { kind: 'row'; nodes: readonly Node[] }
  | { kind: 'either'; nodes: readonly Node[] }
  | { kind: 'repeat'; node: Node; min: number; max: number }

type Step =
  | { kind: 'one'; test: Test }
  | { kind: 'edge'; edge: 'start' | 'end' }
  | { kind: 'fork'; to: number[] }
  | { kind: 'matched' }

/**
 * Literals, `.`, classes (`[a-z]`, `[^:]`, `\d`, `\w`, `\s` and their opposites), groups, `|`, `^`, `$` and `* + ? {n} {n,} {n,m}`.
 *
 * @throws SyntaxError what is none, or isn't among these, with what and where.
 */
export function compilePattern(source: string): LinearPattern {
  const program = new Program()
  program.add(new Reader(source).whole())
  program.steps.push({ kind: 'matched' })
  const { steps } = program
  return { matches: (text, isClosed = never) => isMatch(steps, text, isClosed) }
}

const never = (): boolean => false

/** L2 */
function isMatch(
  steps: readonly Step[],
  text: string,
  isClosed: (codePoint: number, place: number) => boolean,
): boolean {
  const seen = new Uint32Array(steps.length)
  const points = Array.from(text, (letter) => letter.codePointAt(0) ?? 0)
  let here = reach(steps, [0], seen, 0, points.length)
  for (const [index, point] of points.entries()) {
    const next: number[] = []
    const isOpen = !isClosed(point, index)
    for (const at of here) {
      const step = steps[at]
      if (step?.kind === 'one' && step.test(point, isOpen)) next.push(at + 1)
    }
    if (next.length === 0) return false
    here = reach(steps, next, seen, index + 1, points.length)
  }
  return here.some((at) => steps[at]?.kind === 'matched')
}

/** Where one can stand at a place of the text without reading on. `seen` holds 1 + the place that a step was last visited at. */
function reach(
  steps: readonly Step[],
  from: readonly number[],
  seen: Uint32Array,
  place: number,
  end: number,
): number[] {
  const reached: number[] = []
  const waiting = [...from]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen[at] === place + 1) continue
    seen[at] = place + 1
    const step = steps[at]
    if (step === undefined) continue
    if (step.kind === 'fork') waiting.push(...step.to)
    else if (step.kind === 'edge') {
      if (place === (step.edge === 'start' ? 0 : end)) waiting.push(at + 1)
    } else reached.push(at)
  }
  return reached
}

class Program {
  readonly steps: Step[] = []
  private parts = 0

  add(node: Node): void {
    this.parts += 1 // what is empty makes no step, and could be repeated for ever
    if (this.parts > 4 * maxSteps) throw new SyntaxError(`has more than ${maxSteps} steps`) // L3
    switch (node.kind) {
      case 'one':
      case 'edge':
        this.push(node)
        return
      case 'row':
        for (const one of node.nodes) this.add(one)
        return
      case 'either':
        return this.addEither(node.nodes)
      case 'repeat':
        return this.addRepeat(node.node, node.min, node.max)
    }
  }

  private addEither(nodes: readonly Node[]): void {
    const entries: number[] = []
    this.push({ kind: 'fork', to: entries })
    const exits: number[][] = []
    for (const node of nodes) {
      entries.push(this.steps.length)
      this.add(node)
      const exit: number[] = []
      this.push({ kind: 'fork', to: exit })
      exits.push(exit)
    }
    for (const exit of exits) exit.push(this.steps.length)
  }

  private addRepeat(node: Node, min: number, max: number): void {
    for (let count = 0; count < min; count += 1) this.add(node)
    if (max === Number.POSITIVE_INFINITY) {
      const start = this.steps.length
      const to = [start + 1]
      this.push({ kind: 'fork', to })
      this.add(node)
      this.push({ kind: 'fork', to: [start] })
      to.push(this.steps.length)
      return
    }
    const skips: number[][] = []
    for (let count = min; count < max; count += 1) {
      const to = [this.steps.length + 1]
      this.push({ kind: 'fork', to })
      skips.push(to)
      this.add(node)
    }
    for (const to of skips) to.push(this.steps.length)
  }

  private push(step: Step): void {
    if (this.steps.length >= maxSteps) throw new SyntaxError(`has more than ${maxSteps} steps`) // L3
    this.steps.push(step)
  }
}

const wide =
  (isMember: (codePoint: number) => boolean): Test =>
  (point, isOpen) =>
    isOpen && isMember(point)

const not = (test: Test): Test => wide((point) => !test(point, true))

const isDigit = (point: number): boolean => point >= 48 && point <= 57
const isLetter = (point: number): boolean => (point >= 65 && point <= 90) || (point >= 97 && point <= 122)
const digit = wide(isDigit)
const word = wide((point) => isDigit(point) || isLetter(point) || point === 95)
const space = wide((point) => /\s/u.test(String.fromCodePoint(point)))

const classes: Readonly<Record<string, Test>> = {
  d: digit,
  w: word,
  s: space,
  D: not(digit),
  W: not(word),
  S: not(space),
}

/** An expression may be nested so deep: who reads it recurses. */
const maxDepth = 20

class Reader {
  private readonly letters: readonly string[]
  private at = 0
  private depth = 0

  constructor(source: string) {
    this.letters = [...source]
  }

  whole(): Node {
    const node = this.either()
    if (this.at < this.letters.length) throw this.problem('a group is closed that was not opened')
    return node
  }

  private either(): Node {
    const nodes = [this.row()]
    while (this.takes('|')) nodes.push(this.row())
    const [first] = nodes
    return nodes.length === 1 && first !== undefined ? first : { kind: 'either', nodes }
  }

  private row(): Node {
    const nodes: Node[] = []
    for (let next = this.next; next !== undefined && next !== '|' && next !== ')'; next = this.next)
      nodes.push(this.repeated(this.atom()))
    return { kind: 'row', nodes }
  }

  private repeated(node: Node): Node {
    const range = this.range()
    if (range === undefined) return node
    this.takes('?') // the shortest of several matches is a match as well
    return { kind: 'repeat', node, min: range[0], max: range[1] }
  }

  private range(): readonly [number, number] | undefined {
    if (this.takes('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.takes('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.takes('?')) return [0, 1]
    if (!this.takes('{')) return undefined
    const min = this.count()
    const max = this.takes(',') ? (this.next === '}' ? Number.POSITIVE_INFINITY : this.count()) : min
    if (!this.takes('}') || max < min) throw this.problem('a count is {n}, {n,} or {n,m}')
    return [min, max]
  }

  private count(): number {
    let digits = ''
    for (let next = this.next; next !== undefined && /\d/.test(next); next = this.next) digits += this.take()
    if (digits === '' || digits.length > 4) throw this.problem('a count is {n}, {n,} or {n,m}')
    return Number(digits)
  }

  private atom(): Node {
    const letter = this.take()
    switch (letter) {
      case '(':
        return this.group()
      case '[':
        return { kind: 'one', test: this.set() }
      case '.':
        return { kind: 'one', test: wide(() => true) }
      case '^':
        return { kind: 'edge', edge: 'start' }
      case '$':
        return { kind: 'edge', edge: 'end' }
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.problem(`${letter} has nothing to repeat`)
      case '\\':
        return { kind: 'one', test: this.escaped().test }
      default:
        return { kind: 'one', test: same(letter) }
    }
  }

  private group(): Node {
    if (this.takes('?') && !this.takes(':')) throw this.problem('of groups with (? there is (?: alone')
    this.depth += 1
    if (this.depth > maxDepth) throw this.problem(`more than ${maxDepth} groups within each other`)
    const node = this.either()
    if (!this.takes(')')) throw this.problem('a group is not closed')
    this.depth -= 1
    return node
  }

  private escaped(): { test: Test; point?: number } {
    const letter = this.take()
    const known = Object.hasOwn(classes, letter) ? classes[letter] : undefined
    if (known !== undefined) return { test: known }
    if (/[a-zA-Z0-9]/.test(letter)) throw this.problem(`\\${letter} is not known here`)
    return { test: same(letter), point: pointOf(letter) }
  }

  private set(): Test {
    const isOpposite = this.takes('^')
    const tests: Test[] = []
    while (!this.takes(']')) tests.push(this.member())
    if (tests.length === 0) throw this.problem('an empty class')
    const isMember: Test = (point, isOpen) => tests.some((test) => test(point, isOpen))
    return isOpposite ? not(isMember) : isMember
  }

  private member(): Test {
    const from = this.memberLetter()
    if (this.next !== '-' || this.letters[this.at + 1] === ']') return from.test
    this.take()
    const to = this.memberLetter()
    const [low, high] = [from.point, to.point]
    if (low === undefined || high === undefined || high < low) throw this.problem('a range of a class is a-z')
    return wide((point) => point >= low && point <= high)
  }

  private memberLetter(): { test: Test; point?: number } {
    const letter = this.take()
    if (letter === '[') throw this.problem('[ in a class is written \\[')
    if (letter === '\\') return this.escaped()
    return { test: same(letter), point: pointOf(letter) }
  }

  private get next(): string | undefined {
    return this.letters[this.at]
  }

  private take(): string {
    const letter = this.letters[this.at]
    if (letter === undefined) throw this.problem('it ends too early')
    this.at += 1
    return letter
  }

  private takes(letter: string): boolean {
    if (this.next !== letter) return false
    this.at += 1
    return true
  }

  private problem(what: string): SyntaxError {
    return new SyntaxError(`${what} (before character ${this.at + 1})`)
  }
}

const pointOf = (letter: string): number => letter.codePointAt(0) ?? 0

function same(letter: string): Test {
  const wanted = pointOf(letter)
  return (point) => point === wanted
}
