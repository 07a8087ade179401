/**
 * What docs/protocol.md promises, and what tests say they hold.
 *
 * R1. A rule is an item, a heading or a table row of the page that begins with its number: `- [3.4]`, `### [6.3]`, `| [20.1]`.
 * R2. A test holds a rule when its title begins with the number, or with several. A row of a table test that is put into a title
 *     counts as the title. A number in a sentence is a reference and holds nothing.
 * R3. A title may name a whole section (`[3]`), to group tests: that holds no rule.
 */
import ts from 'typescript'

/** A row of one of the page's tables of codes. */
export interface CodeRow {
  readonly rule: string
  readonly code: string
  readonly isReserved: boolean
}

/** R1. */
export function rulesOf(page: string): string[] {
  return [...page.matchAll(/^(?:- |#+ |\| *)\[(\d+\.\d+)\]/gm)].map(([, rule = '']) => rule)
}

export function sectionsOf(page: string): string[] {
  return [...page.matchAll(/^## (\d+)\. /gm)].map(([, section = '']) => section)
}

/** Items of the page that are no rules: there should be none. */
export function unnumbered(page: string): string[] {
  return [...page.matchAll(/^- (?!\[\d+\.\d+\] ).*$/gm)].map(([item]) => item)
}

/** The rows that begin with a code, under a heading that is a rule. The last column says when it is sent, or `reserved`. */
export function codeRowsOf(page: string): CodeRow[] {
  const rows: CodeRow[] = []
  let rule = ''
  for (const line of page.split('\n')) {
    rule = /^#+ (?:\[(\d+\.\d+)\])?/.exec(line)?.[1] ?? (line.startsWith('#') ? '' : rule)
    const [, code, rest] = /^\| (\d{3,4}) +\|(.*)\|$/.exec(line) ?? []
    if (rule === '' || code === undefined || rest === undefined) continue
    const when = rest.split('|').at(-1) ?? ''
    rows.push({ rule, code, isReserved: when.trim().startsWith('reserved') })
  }
  return rows
}

/** Rows that name settings: what the page says is their default, as the reference writes it (`64KiB`, `5000`). */
export function limitsOf(page: string): { setting: string; value: string }[] {
  return [...page.matchAll(/^\| \[\d+\.\d+\] *\|([^|]*)\|([^|]*)\|[^|]*\|[^|]*\| *(`[^|]*`) *\|$/gm)].flatMap(
    ([, , values = '', settings = '']) => {
      const said = values.split(/, /).map((value) => value.trim())
      return [...settings.matchAll(/`([^`]+)`/g)].map(([, setting = ''], index) => ({
        setting,
        value: plainValue(said[index] ?? ''),
      }))
    },
  )
}

/** `10,000` is `10000`, `25 s` is `25s`, `5,000 a second` and `300 publications` are numbers. */
function plainValue(text: string): string {
  const [, number = '', unit = ''] = /^([\d,]+) ?((?:[KM]iB|s)\b)?/.exec(text) ?? []
  return number.replaceAll(',', '') + unit
}

/** The defaults in a generated page of settings. */
export function defaultsOf(reference: string): Map<string, string> {
  const rows = reference.matchAll(/^\| `([\w.]+)` +\|[^|]*\| `?([^|`]*?)`? +\|/gm)
  return new Map([...rows].map(([, setting = '', value = '']) => [setting, value]))
}

/** R2, R3: of a test's source, every text that begins with a rule's number, and titles that begin with a section's. */
export function titlesOf(source: string): string[] {
  if (!/['"`]\[\d/.test(source)) return []
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text !== undefined && (/^\[\d+\.\d+\] /.test(text) || (/^\[\d+\] /.test(text) && isTitle(node)))) {
      titles.push(text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('spec.ts', source, ts.ScriptTarget.Latest, true))
  return titles
}

/** R2 for tests in other languages: every quoted text on one line that begins with a rule's number. */
export function quotedTitlesOf(source: string): string[] {
  return [...source.matchAll(/["'`](\[\d+\.\d+\] [^"'`\n]*)/g)].map(([, title = '']) => title)
}

/** The numbers that a title begins with. */
export function numbersOf(title: string): string[] {
  const [head = ''] = /^(?:\[\d+(?:\.\d+)?\] )+/.exec(title) ?? []
  return [...head.matchAll(/\[([\d.]+)\]/g)].map(([, number = '']) => number)
}

/** The code that a title names behind its number. */
export const codeOf = (title: string): string | undefined => /^(?:\[[\d.]+\] )+(\d{3,4})\b/.exec(title)?.[1]

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text
  return ts.isTemplateExpression(node) ? node.head.text : undefined
}

/** The first argument of `it(`, `describe.each(…)(` and their like. */
function isTitle(node: ts.Node): boolean {
  const call = node.parent
  if (!ts.isCallExpression(call) || call.arguments[0] !== node) return false
  return /^(?:it|test|describe)\b/.test(call.expression.getText())
}
