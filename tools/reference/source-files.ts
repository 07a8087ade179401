import ts from 'typescript'
import { readRepositoryFile, repositoryFiles } from '../repository.js'

/** The sources of apps and libs, tests left out, in the order of their paths. */
export function sourceFiles(): ts.SourceFile[] {
  return repositoryFiles()
    .filter((file) => /^(apps|libs)\/[^/]+\/src\/.*\.ts$/.test(file) && !file.endsWith('spec.ts'))
    .toSorted()
    .flatMap((file) => parse(file))
}

/** None if Git still lists a file that is gone. */
function parse(file: string): ts.SourceFile[] {
  try {
    return [ts.createSourceFile(file, readRepositoryFile(file), ts.ScriptTarget.Latest, true)]
  } catch {
    return []
  }
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** The comment that stands before a declaration, as one line. */
export function commentOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).filter((doc) => ts.isJSDoc(doc))
  const text = comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' ')
  return text.replaceAll(/\s+/g, ' ').trim()
}
