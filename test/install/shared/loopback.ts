/** Each container has an address of its own, so that container ports can stay as they are. */

/** What is left below 127.0.0.0/8 when 127.0 is everybody's: 127.64 to 127.127 by this process's number. */
const [firstNet, nets] = [64, 64]
const hosts = 254

let given = 0

export class LoopbackAddresses {
  /** One that was not given before in this process, and in no other test process that runs now. */
  next(): string {
    given += 1
    if (given > hosts) throw new Error(`more than ${hosts} containers in one test process`)
    return `127.${firstNet + ((process.pid >> 8) % nets)}.${process.pid & 255}.${given}`
  }
}
