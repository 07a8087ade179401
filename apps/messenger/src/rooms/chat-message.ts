import { z } from 'zod'

export const MAX_CHARACTERS = 2_000

/** Neither space nor control, format and other invisible signs. */
const VISIBLE = /[^\p{Z}\p{C}]/u

/**
 * What a page sends. `id` is the namespace's `message_id`: sent again with the same one, it is stored once. What is wrong with the text is
 * said of the whole, without a path: people read it beside their message.
 */
export const SentMessage = z
  .strictObject({ id: z.string().min(1).max(64), text: z.string().transform((text) => text.trim()) })
  .superRefine(({ text }, { addIssue }) => {
    const problem = problemWith(text)
    if (problem !== undefined) addIssue({ code: 'custom', message: problem })
  })

/** What a room keeps: who wrote it, by the name that the server signed, and when, by the server's clock. */
export const StoredMessage = z.object({
  id: z.string(),
  text: z.string(),
  name: z.string(),
  /** Milliseconds since 1970. */
  at: z.int(),
})

export type SentMessage = z.infer<typeof SentMessage>

/** A sentence for the writer; undefined = nothing is wrong. Characters are counted as people count them. */
function problemWith(text: string): string | undefined {
  if (!VISIBLE.test(text)) return 'There is nothing to read in this message.'
  const count = [...text].length
  if (count <= MAX_CHARACTERS) return undefined
  const [most, many] = [MAX_CHARACTERS, count].map((number) => number.toLocaleString('en'))
  return `A message has at most ${most} characters, and this one has ${many}.`
}
