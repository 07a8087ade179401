/**
 * Whose request it is. Behind a proxy every socket comes from the proxy, and what the request says about its way may be invented by
 * anybody.
 *
 * CA1. `X-Forwarded-For` is believed only where the socket itself comes from a trusted proxy, and only as far as trusted proxies wrote it:
 *      each adds at the end whom it heard, so the client is the last one there who isn't one of them.
 * CA2. What is no address ends the reading: the client is then the nearest one that was heard by somebody trusted.
 */
import { BlockList, isIP } from 'node:net'

/** Longer headers are somebody's play: the end of it is read, where the proxies nearest to us wrote. */
const maxHeaderLength = 1_024

export interface Approach {
  /** Of the socket. */
  readonly remoteAddress: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** @param proxies addresses (`10.0.0.7`) and networks (`10.0.0.0/8`); none = every client is who its socket says */
export function clientAddresses(proxies: readonly string[]): (request: Approach) => string {
  if (proxies.length === 0) return ({ remoteAddress }) => remoteAddress
  const trusted = blockListOf(proxies)
  return ({ remoteAddress, headers }) => {
    let nearest = remoteAddress
    for (const said of hopsOf(headers['x-forwarded-for'])) {
      if (!isTrusted(trusted, nearest)) return nearest // CA1
      if (isIP(said) === 0) return nearest // CA2
      nearest = said
    }
    return nearest
  }
}

/** From the nearest to the farthest. */
function hopsOf(header: string | undefined): string[] {
  if (header === undefined || header === '') return []
  const hops = header
    .slice(-maxHeaderLength)
    .split(',')
    .map((hop) => bare(hop.trim()))
  return hops.toReversed()
}

/** Some proxies add the port: `203.0.113.7:4711`, `[2001:db8::1]:4711`. */
function bare(hop: string): string {
  const [, inBrackets] = /^\[([^\]]+)\](?::\d+)?$/.exec(hop) ?? []
  if (inBrackets !== undefined) return inBrackets
  return /^[\d.]+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop
}

function blockListOf(proxies: readonly string[]): BlockList {
  const list = new BlockList()
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const isTrusted = (trusted: BlockList, address: string): boolean => trusted.check(address, familyOf(address))
