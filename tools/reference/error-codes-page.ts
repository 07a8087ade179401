import { Disconnects, Errors, mayReconnect, Unsubscribes } from '@natter/protocol'
import ts from 'typescript'
import { code, generatedNote, page, table } from './markdown.js'
import { sourceFiles, walk } from './source-files.js'

/** What the reader of each class of error does. */
const advice: Readonly<Record<string, string>> = {
  InvalidError: 'fix the request or the setting; a repeat fails the same way',
  DeniedError: 'get rights or a fresh token',
  UnavailableError: 'certainly not done: repeat with backoff',
  UnknownOutcomeError: 'sent, and nobody can say whether it was done: repeat only what is idempotent',
  InternalError: 'a bug or a broken promise of ours: tell us',
}

export async function errorCodesPage(): Promise<string> {
  return await page(
    '# Error codes',
    generatedNote,
    '## For clients',
    'What they mean is told in [the wire](../protocol.md). The numbers never change their meaning.',
    '### Errors',
    'Answer one command; the connection stays. Temporary ones are repeated by the SDKs for connect and subscribe.',
    table(
      ['Code', 'Message', 'Temporary'],
      Object.values(Errors).map((error) => [
        String(error.code),
        error.message,
        'temporary' in error ? 'yes' : '',
      ]),
    ),
    '### Disconnects',
    'Close the connection.',
    table(
      ['Code', 'Reason', 'The client comes back'],
      Object.values(Disconnects).map((end) => [
        String(end.code),
        end.reason,
        mayReconnect(end.code) ? 'yes' : 'no',
      ]),
    ),
    '### Unsubscribes',
    'End one subscription.',
    table(
      ['Code', 'Reason', 'The client subscribes again'],
      Object.values(Unsubscribes).map((end) => [
        String(end.code),
        end.reason,
        end.code >= 2500 ? 'yes' : 'no',
      ]),
    ),
    '## In logs and at start',
    'The field `code` of an error.',
    table(['Code', 'Says', 'What to do'], ownCodes()),
  )
}

/** Codes given to error classes of ours anywhere in the sources, each with the first sentence that it comes with. */
function ownCodes(): string[][] {
  const found = new Map<string, { classes: Set<string>; says: string }>()
  for (const file of sourceFiles()) {
    walk(file, (node) => {
      if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression) || !(node.expression.text in advice))
        return
      const [name, message] = node.arguments ?? []
      if (name === undefined || !ts.isStringLiteral(name)) return
      const entry = found.get(name.text) ?? { classes: new Set(), says: '' }
      entry.classes.add(node.expression.text)
      entry.says ||= message === undefined ? '' : sentenceOf(message)
      found.set(name.text, entry)
    })
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { classes, says }]) => [
      code(name),
      says,
      [...classes].map((one) => advice[one]).join('; or '),
    ])
}

/** The text of a literal, with … for what is filled in; nothing if the text is made elsewhere. */
function sentenceOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text
  if (!ts.isTemplateExpression(node)) return ''
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}
