const NAME = /^[a-z0-9_-]{1,40}$/

/** The rooms that are listed before anybody has entered one. */
export const STARTERS = ['general', 'random', 'help'] as const

/** As the page makes names of what people type. */
export function isRoomName(name: string): boolean {
  return NAME.test(name)
}
