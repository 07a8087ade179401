import { useId, useRef, useState, type KeyboardEvent, type SubmitEvent } from 'react'
import { dataBytes, MAX_DATA_BYTES } from '../rooms/chat-message.js'
import type { Room } from '../rooms/room.js'

/** From here on the size is shown; counting the bytes of shorter texts would be work for nothing. */
const SHOW_FROM = 0.8
const COUNT_FROM_CHARACTERS = 8_000

interface Props {
  room: Room
  name: string
  isConnected: boolean
}

export function Composer({ room, name, isConnected }: Props) {
  const [text, setText] = useState('')
  const input = useRef<HTMLTextAreaElement>(null)
  const noteId = useId()
  const inputId = useId()
  const bytes = text.length < COUNT_FROM_CHARACTERS ? 0 : dataBytes(text, name, room.channel)
  const isTooLong = bytes > MAX_DATA_BYTES
  const canSend = text.trim() !== '' && !isTooLong

  const send = (): void => {
    if (!canSend) return
    room.outbox.send(text.trim())
    setText('')
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
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          aria-describedby={noteId}
          aria-invalid={isTooLong}
        />
        <button type="submit" className="primary" aria-disabled={!canSend}>
          Send
        </button>
      </div>
      <p className="composer-note" id={noteId} aria-live="polite">
        <Note bytes={bytes} isConnected={isConnected} />
      </p>
    </form>
  )
}

/** Where a keyboard would slide up over the room, the reader decides when. */
function hasKeyboard(): boolean {
  return matchMedia('(pointer: fine)').matches
}

function Note({ bytes, isConnected }: { bytes: number; isConnected: boolean }) {
  const kib = (value: number): string => `${(value / 1024).toFixed(1)} KiB`
  if (bytes > MAX_DATA_BYTES)
    return (
      <strong className="problem">
        Too long to send: {kib(bytes)} of at most {kib(MAX_DATA_BYTES)}. Shorten it, or send it in parts.
      </strong>
    )
  if (bytes > SHOW_FROM * MAX_DATA_BYTES) return `${kib(bytes)} of at most ${kib(MAX_DATA_BYTES)}`
  if (!isConnected) return 'Not connected: sent as soon as the connection is back.'
  return (
    <span className="keys">
      <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> starts a line
    </span>
  )
}
