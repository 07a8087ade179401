import type { HttpAnswer, RequestHead } from '@natter/transport'

type Headers = Readonly<Record<string, string>>

const none: Headers = Object.freeze({})

/** What lets a page of an allowed origin read an answer [1]; nothing for who is no page. */
export function corsHeaders({ headers }: Pick<RequestHead, 'headers'>): Headers {
  const { origin } = headers
  if (origin === undefined) return none
  const asked = headers['access-control-request-headers']
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    vary: 'origin',
    ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
  }
}

/** A browser's question before the request itself. */
export const preflight = (cors: Headers, methods: string): HttpAnswer => ({
  status: 204,
  headers: {
    ...cors,
    'access-control-allow-methods': `${methods}, OPTIONS`,
    'access-control-max-age': '300',
  },
})
