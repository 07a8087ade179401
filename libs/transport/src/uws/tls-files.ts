/**
 * Certificate and key in files that somebody else renews: certbot, cert-manager, a Kubernetes secret that is mounted.
 *
 * F1. A pair is used only after it was read and found to belong together; else the one before stays, and it is told why.
 * F2. The two files change one after the other: a pair that doesn't fit is told only when it is still so at the next look, once. It is
 *     tried at each: what could not be done with it may be done later.
 * F3. Looks follow symbolic links: Kubernetes changes a link two levels above the file, which no watch of the file would see.
 */
import { InvalidError, systemClock, type Timer } from '@natter/primitives'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Certificate, TlsOptions } from '../transport.js'

type TlsFiles = Pick<TlsOptions, 'certFile' | 'keyFile'>

/**
 * @throws InvalidError `tls-files-broken`: they can't be read, or don't belong together.
 */
export function readPair({ certFile, keyFile }: TlsFiles): Certificate {
  try {
    const cert = readFileSync(certFile)
    const key = readFileSync(keyFile)
    const certificate = new X509Certificate(cert)
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is of another certificate')
    createSecureContext({ cert, key })
    return {
      fingerprint: certificate.fingerprint256,
      subject: certificate.subject,
      expiresAtMs: Date.parse(certificate.validTo),
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new InvalidError(
      'tls-files-broken',
      `TLS can't be served with ${certFile} and ${keyFile}: ${why}. Both must be PEM files of one pair, the key without a passphrase.`,
      { cause },
    )
  }
}

/**
 * Calls `use` when the files have changed into another pair that fits; what `use` throws is told like a broken pair. Answers how to stop.
 *
 * @param seen The stamp that the files had before they were read.
 */
export function watchPair(
  files: TlsFiles,
  seen: string,
  everyMs: number,
  { use, onBroken }: { use(certificate: Certificate): void; onBroken(error: unknown): void },
): () => void {
  let used = seen
  let broken: string | undefined
  let timer: Timer
  const look = (): void => {
    const stamp = stampOf(files)
    if (stamp !== used) tryPair(stamp)
    timer = systemClock.setTimer(look, everyMs)
  }
  const tryPair = (stamp: string): void => {
    try {
      use(readPair(files)) // F1
      used = stamp
      broken = undefined
    } catch (error) {
      const isStill = broken === stamp
      if (broken !== `told ${stamp}`) broken = isStill ? `told ${stamp}` : stamp // F2
      if (isStill) onBroken(error)
    }
  }
  timer = systemClock.setTimer(look, everyMs)
  return () => timer.cancel()
}

/** Another one means other files. F3. */
export function stampOf({ certFile, keyFile }: TlsFiles): string {
  return [certFile, keyFile].map(stampOfFile).join(' ')
}

function stampOfFile(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true })
  return stats === undefined ? 'none' : `${stats.ino}:${stats.mtimeNs}:${stats.size}`
}
