import { useEffect, useId, useRef, type KeyboardEvent, type SubmitEvent } from 'react'
import { MAX_CHARACTERS } from '../rooms/chat-message.js'
import type { Room } from '../rooms/room.js'
import { useStore } from '../store.js'

/** From here on the number of characters is shown. */
const SHOW_FROM = 0.8 * MAX_CHARACTERS

interface Props {
  room: Room
  isConnected: boolean
}

export function Composer({ room, isConnected }: Props) {
  const text = useStore(room.draft)
  const { own } = useStore(room.timeline)
  const input = useRef<HTMLTextAreaElement>(null)
  const noteId = useId()
  const inputId = useId()
  const characters = text.length < SHOW_FROM ? 0 : [...text.trim()].length
  const isTooLong = characters > MAX_CHARACTERS
  const isHeld = own.some(({ delivery }) => delivery.kind === 'waiting' && delivery.isHeld)
  const canSend = text.trim() !== '' && !isTooLong

  useEffect(() => {
    room.onWrite = () => input.current?.focus()
    return () => {
      room.onWrite = undefined
    }
  }, [room])

  const send = (): void => {
    if (!canSend) return
    room.outbox.send(text.trim())
    room.draft.set('')
    input.current?.focus()
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    send()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }

  return (
    <form className="composer" onSubmit={submit}>
      <label htmlFor={inputId} className="visually-hidden">
        Message to #{room.name}
      </label>
      <div className={`composer-box${isTooLong ? ' too-long' : ''}`}>
        <textarea
          id={inputId}
          ref={input}
          rows={1}
          autoFocus={hasKeyboard()}
          placeholder={`Write to #${room.name}`}
          value={text}
          onChange={(event) => room.draft.set(event.target.value)}
          onKeyDown={onKeyDown}
          aria-describedby={noteId}
          aria-invalid={isTooLong}
        />
        <button type="submit" className="primary" aria-disabled={!canSend}>
          Send
        </button>
      </div>
      <p className="composer-note" id={noteId} aria-live="polite">
        <Note characters={characters} isConnected={isConnected} isHeld={isHeld} />
      </p>
    </form>
  )
}

/** Where a keyboard would slide up over the room, the reader decides when. */
function hasKeyboard(): boolean {
  return matchMedia('(pointer: fine)').matches
}

function Note({
  characters,
  isConnected,
  isHeld,
}: {
  characters: number
  isConnected: boolean
  isHeld: boolean
}) {
  const count = `${characters.toLocaleString('en')} of at most ${MAX_CHARACTERS.toLocaleString('en')} characters`
  if (characters > MAX_CHARACTERS)
    return <strong className="problem">Too long to send: {count}. Shorten it, or send it in parts.</strong>
  if (!isConnected) return 'Not connected: sent as soon as the connection is back.'
  if (isHeld) return <strong className="held">Sending doesn’t work right now. Trying again.</strong>
  if (characters > 0) return count
  return (
    <span className="keys">
      <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> starts a line
    </span>
  )
}
