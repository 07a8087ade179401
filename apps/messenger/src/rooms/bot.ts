/**
 * What is written to the bot and not to the room: texts that begin with a command.
 *
 * The answer goes back as the refusal of that publication. So nothing is stored, it reaches the connection that asked and no other, in
 * its turn, and a question that was lost is asked again like every message.
 */
import { MAX_CHARACTERS } from './chat-message.js'

/** Not an error: the publication was a question, and the message of the refusal is its answer. */
export const ANSWERED = 1200
export const UNKNOWN_COMMAND = 1404

/** `/usr/bin` and `/ 2` are none. */
const COMMAND = /^\/([a-z][\w-]*)(?!\S)/i

const HELP = [
  'Enter sends a message, Shift+Enter starts a new line in it.',
  `A message has at most ${MAX_CHARACTERS.toLocaleString('en')} characters.`,
  'A room is there as soon as somebody enters it: give its name under “Join or start a room”.',
  'What you write while nothing answers waits here, and is sent by itself.',
  'I know one command: /help, which shows this.',
].join('\n')

/** Undefined for what is said to the room. */
export function botReply(text: string): { code: number; message: string } | undefined {
  const command = COMMAND.exec(text)?.[1]?.toLowerCase()
  if (command === undefined) return undefined
  if (command === 'help') return { code: ANSWERED, message: HELP }
  const message = `There is no command /${command.slice(0, 40)}. Write /help for those there are.`
  return { code: UNKNOWN_COMMAND, message }
}
