import { UnavailableError } from '@natter/primitives'
import type * as UwsModule from 'uWebSockets.js'

export type Uws = typeof UwsModule

/**
 * The library reads it when it is loaded. Its own 4 KiB are less than browsers and proxies send: a token or a `cf_connect` in the
 * address, cookies.
 */
const maxHeaderBytes = '32768'

/**
 * Loads the native binary when it is first needed, so that a machine without one gets a sentence, not a stack at import.
 *
 * @throws UnavailableError `uws-binary-missing`.
 */
export async function loadUws(importUws: () => Promise<Uws> = () => import('uWebSockets.js')): Promise<Uws> {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= maxHeaderBytes
  try {
    return await importUws()
  } catch (cause) {
    const here = `${process.platform}-${process.arch}, Node ${process.versions.node}`
    throw new UnavailableError(
      'uws-binary-missing',
      `uWebSockets.js has no binary for this machine (${here}). Use Node 22 on glibc Linux, macOS or Windows: ` +
        '`npm ci` puts Node 22 into node_modules/.bin and every npm script runs with it.',
      { cause },
    )
  }
}
