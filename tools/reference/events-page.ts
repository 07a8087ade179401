import ts from 'typescript'
import { code, generatedNote, page, table } from './markdown.js'
import { commentOf, sourceFiles, walk } from './source-files.js'

/** Interfaces whose members are events, `noun:verb[:phase]`. */
function eventMaps(): ts.InterfaceDeclaration[] {
  const maps: ts.InterfaceDeclaration[] = []
  for (const file of sourceFiles()) {
    walk(file, (node) => {
      if (ts.isInterfaceDeclaration(node) && node.name.text.endsWith('Events') && node.members.length > 0)
        maps.push(node)
    })
  }
  return maps
}

export async function eventsPage(): Promise<string> {
  const sections = eventMaps().map((map) => {
    const rows = map.members.filter((member) => ts.isPropertySignature(member)).map((member) => row(member))
    const intro = [commentOf(map), `Declared in ${code(map.getSourceFile().fileName)}.`].filter(
      (text) => text !== '',
    )
    return [`## ${map.name.text}`, intro.join(' '), table(['Event', 'Says', 'When'], rows)].join('\n\n')
  })
  return await page(
    '# Events',
    generatedNote,
    'Layers report what happens as typed events and neither log nor count themselves; logs, metrics and tests listen. ' +
      'Those that are logged have the same name as their log line. Nothing on the path of a message is an event.',
    ...sections,
  )
}

function row(member: ts.PropertySignature): string[] {
  const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText()
  return [code(name), code(payloadOf(member.type)), commentOf(member)]
}

function payloadOf(type: ts.TypeNode | undefined): string {
  if (type === undefined) return ''
  const parts = ts.isTypeLiteralNode(type) ? type.members.map((part) => part.getText()) : [type.getText()]
  return parts.map((part) => part.replace(/[;,]$/, '').replaceAll(/\s+/g, ' ')).join('; ')
}
