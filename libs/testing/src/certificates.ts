import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder with pairs that sign themselves, made by openssl. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'natter-tls-'))

  /** Writes `<name>.crt` and `<name>.key`. */
  make(name: string): { certFile: string; keyFile: string } {
    const [certFile, keyFile] = [join(this.folder, `${name}.crt`), join(this.folder, `${name}.key`)]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost']
    execFileSync(
      'openssl',
      ['req', '-x509', ...curve, '-nodes', '-days', '2', ...subject, '-keyout', keyFile, '-out', certFile],
      { stdio: 'ignore' },
    )
    return { certFile, keyFile }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
