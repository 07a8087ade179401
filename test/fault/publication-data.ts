/** Data that is easily damaged on its way: odd spacing, odd numbers, what `jsonb` refuses, and text of every width. */
const oddities = [
  '',
  ', "spaced" : [ 1 ,2 ]',
  ',"exact":1.10,"big":123456789012345678901234567890,"tiny":1e-400',
  ',"nul":"\\u0000"',
  ',"lone":"\\ud800"',
  ',"twice":1,"twice":2',
  ',"wide":"žluťoučký кот 猫 🐈"',
  ',"escaped":"\\u017e\\n\\t\\/"',
]

/** The kinds of trouble that data can have in it. */
export const oddityCount = oddities.length

/**
 * The text of a JSON object of about `bytes` bytes. It starts with the id and has no other object in it, so that its end can be
 * found in a frame without parsing it.
 */
export function dataOf({ id, oddity, bytes }: { id: string; oddity: number; bytes: number }): string {
  const head = `{"id":${JSON.stringify(id)}${oddities[oddity] ?? ''}`
  return `${head},"pad":"${'x'.repeat(Math.max(0, bytes - head.length))}"}`
}

const idAtStart = /^\{"id":"([^"]*)"/

export const idOf = (data: string): string => idAtStart.exec(data)?.[1] ?? ''

const objectAfterData = /"data":(\{"id":[^}]*\})/g

/** The texts of the publications' data in a line from a gateway, in their order. */
export const dataTextsOf = (line: string): string[] =>
  [...line.matchAll(objectAfterData)].map(([, text]) => text ?? '')
