/** A backend that asks the HTTP API by hand. */
import { Agent } from 'node:http'
import { apiKey, type Incoming, type TestNode } from './harness.js'
import { ask, type Answer } from './http-client.js'

export interface Told {
  status: number
  text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read the wire's JSON as it is
  json: any
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/** With a key, where the headers don't say otherwise. `body` that is a text goes as it is. */
export async function tell(
  { apiUrl }: Pick<TestNode, 'apiUrl'>,
  method: string,
  body: unknown = {},
  headers: Record<string, string> = { 'X-API-Key': apiKey },
): Promise<Told> {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const path = method === '' ? '/api' : `/api/${method}`
  return told(await ask(`${apiUrl}${path}`, { method: 'POST', agent, headers, body: text }))
}

export function told({ status, text }: Answer): Told {
  try {
    return { status, text, json: JSON.parse(text) }
  } catch {
    return { status, text, json: undefined }
  }
}

/** @throws what it was told instead of a result. */
export async function result(
  node: Pick<TestNode, 'apiUrl'>,
  method: string,
  body: unknown = {},
): Promise<Incoming> {
  const { status, text, json } = await tell(node, method, body)
  if (status !== 200 || json?.result === undefined) throw new Error(`${method}: ${status} ${text}`)
  return json.result
}

/** The error's code; 0 = there was none. */
export async function codeOf(
  node: Pick<TestNode, 'apiUrl'>,
  method: string,
  body: unknown = {},
): Promise<number> {
  return (await tell(node, method, body)).json?.error?.code ?? 0
}

/** For the end of the process: its sockets. */
export const hangUp = (): void => agent.destroy()
