import { Client, type ClientConfig } from 'pg'

/**
 * Does something on one connection to Postgres, which is ended whatever comes of it. A connection that breaks fails the query that
 * is under way, and is no event that ends the process.
 */
export async function withClient<T>(
  address: string | ClientConfig,
  act: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(address)
  client.on('error', () => {})
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}
