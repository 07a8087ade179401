/**
 * Finds the nginx that tests start, or installs Debian's when this is root; prints its absolute path.
 *
 *   node tools/nginx.mjs
 */
import { obtainProgram } from './debian-program.mjs'
import { printWhenRun } from './print-when-run.mjs'

const nginx = {
  name: 'nginx',
  variable: 'NATTER_TEST_NGINX',
  places: ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx'],
  packages: ['nginx-light'],
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
export const obtainNginx = (say) => obtainProgram(nginx, say)

await printWhenRun(import.meta.url, obtainNginx)
