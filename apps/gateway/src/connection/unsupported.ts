/**
 * Kinds of channels that other servers have and this one doesn't. Who asks for one is refused, and a log line says so: a client that
 * believes to have got one would wait for what never comes. [17.1] [17.2]
 */
import type { Services } from './services.js'

/** Whether it is of a kind that isn't here; then it was told. @param type As in the request: absent and 0 are streams. */
export function isUnsupported(
  { events }: Pick<Services, 'events'>,
  method: string,
  type: number | undefined,
): boolean {
  if (type === undefined || type === 0) return false
  events.emit('command:unsupported', { method, type, advice })
  return true
}

const advice = 'Clients ask for map or shared poll channels, which Natter does not have: they are refused.'
