/**
 * Finds the Chromium that browser tests drive, or installs Debian's when this is root; prints its absolute path.
 *
 *   node tools/chromium.mjs
 */
import { obtainProgram } from './debian-program.mjs'
import { printWhenRun } from './print-when-run.mjs'

const chromium = {
  name: 'chromium',
  variable: 'NATTER_CHROMIUM',
  places: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  packages: ['chromium', 'fonts-dejavu-core'],
}

/**
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
export const obtainChromium = (say) => obtainProgram(chromium, say)

await printWhenRun(import.meta.url, obtainChromium)
