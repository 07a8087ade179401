import { isIP } from 'node:net'
import { z } from 'zod'
import { ofKind } from './kind.js'

const words = 'an address or a network such as 10.0.0.7 or 10.0.0.0/8'

/** `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`: one address or all that begin with so many of its bits. */
export function network(): z.ZodType<string, string> {
  return ofKind(z.string().refine(isNetwork, `must be ${words}`), { words })
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
