import { useEffect, useState } from 'react'
import type { Room } from '../rooms/room.js'

/** Said once a second at most: a reader of the screen must not be talked over by a busy room. */
const GATHER_MS = 1_000

/** Tells new messages, refusals and the bot's answers to those who do not see them. History is not announced, it can be read. */
export function Announcer({ room }: { room: Room }) {
  const [words, setWords] = useState('')

  useEffect(() => {
    let heard: string[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const announce = (): void => {
      timer = undefined
      setWords(heard.length > 3 ? `${heard.length} new messages` : heard.join('. '))
      heard = []
    }
    room.onNews = (news) => {
      heard.push(news)
      timer ??= setTimeout(announce, GATHER_MS)
    }
    return () => {
      room.onNews = undefined
      clearTimeout(timer)
      setWords('')
    }
  }, [room])

  return (
    <p className="visually-hidden" aria-live="polite">
      {words}
    </p>
  )
}
