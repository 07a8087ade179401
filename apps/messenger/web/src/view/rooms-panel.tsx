import { useId, useState, type SubmitEvent } from 'react'
import type { Connection } from '../mesh/connection.js'
import type { ListedRoom, Listing } from '../rooms/listed-rooms.js'
import type { Room } from '../rooms/room.js'
import { roomNameFrom, type RoomList } from '../rooms/room-list.js'
import { useStore } from '../store.js'
import { Avatar } from './avatar.js'
import { BrandMark, WarningIcon } from './icons.js'

interface Props {
  connection: Connection
  rooms: RoomList
  onChosen?: () => void
  onSignOut: () => void
}

export function RoomsPanel({ connection, rooms, onChosen, onSignOut }: Props) {
  const { joined, current } = useStore(rooms.choice)
  const { user, name } = connection.session
  return (
    <div className="panel rooms">
      <p className="brand">
        <BrandMark /> Natter
      </p>
      <nav aria-label="Rooms">
        <h2>Your rooms</h2>
        {joined.length === 0 && <p className="hint">You are in no room.</p>}
        <ul>
          {joined.map((roomName) => (
            <li key={roomName}>
              <RoomLink
                room={connection.room(roomName)}
                isCurrent={roomName === current}
                {...(onChosen && { onChosen })}
              />
            </li>
          ))}
        </ul>
        <OtherRooms connection={connection} joined={joined} {...(onChosen && { onChosen })} />
      </nav>
      <JoinForm
        onJoin={(roomName) => {
          rooms.open(roomName)
          onChosen?.()
        }}
      />
      <div className="me">
        <Avatar user={user} name={name} />
        <span className="me-name">{name}</span>
        <button type="button" className="small" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </div>
  )
}

function RoomLink({ room, isCurrent, onChosen }: { room: Room; isCurrent: boolean; onChosen?: () => void }) {
  const unread = useStore(room.unread)
  return (
    <a
      href={`#${room.name}`}
      className={`room-link${unread > 0 ? ' has-unread' : ''}`}
      aria-current={isCurrent ? 'page' : undefined}
      onClick={() => onChosen?.()}
    >
      <span className="hash" aria-hidden="true">
        #
      </span>
      <span className="room-name">{room.name}</span>
      {unread > 0 && (
        <span className="unread">
          {unread > 99 ? '99+' : unread}
          <span className="visually-hidden"> unread</span>
        </span>
      )}
    </a>
  )
}

interface OtherProps {
  connection: Connection
  joined: readonly string[]
  onChosen?: () => void
}

/** Those that the server lists and I am not in. The hint stands below them, so that it moves none of them. */
function OtherRooms({ connection, joined, onChosen }: OtherProps) {
  const listing = useStore(connection.listed.listing)
  const others = listing.kind === 'known' ? listing.rooms.filter(({ name }) => !joined.includes(name)) : []
  const isTrouble = listing.kind === 'unknown' || (listing.kind === 'known' && listing.isOld)
  return (
    <section className="other-rooms" aria-label="More rooms">
      <h2>More rooms</h2>
      <ul>
        {others.map((room) => (
          <li key={room.name}>
            <ListedLink room={room} {...(onChosen && { onChosen })} />
          </li>
        ))}
      </ul>
      <p className={`hint${isTrouble ? ' trouble' : ''}`} role="status">
        {isTrouble && <WarningIcon />}
        <span>{hintFor(listing, others.length)}</span>
      </p>
    </section>
  )
}

function hintFor(listing: Listing, others: number): string {
  switch (listing.kind) {
    case 'asking':
      return 'Asking which rooms there are…'
    case 'unknown':
      return 'The list of rooms can’t be had right now. It is asked for again by itself.'
    case 'known':
      if (listing.isOld) return 'As last seen: the list can’t be had right now.'
      return others === 0 ? 'You are in all there are.' : ''
  }
}

function ListedLink({ room: { name, people }, onChosen }: { room: ListedRoom; onChosen?: () => void }) {
  return (
    <a href={`#${name}`} className="room-link" onClick={() => onChosen?.()}>
      <span className="hash" aria-hidden="true">
        #
      </span>
      <span className="room-name">{name}</span>
      {people > 0 && (
        <span className="count">
          {people}
          <span className="visually-hidden"> {people === 1 ? 'person' : 'people'} there</span>
        </span>
      )}
    </a>
  )
}

function JoinForm({ onJoin }: { onJoin: (name: string) => void }) {
  const [typed, setTyped] = useState('')
  const [isRefused, setRefused] = useState(false)
  const inputId = useId()
  const noteId = useId()
  const name = roomNameFrom(typed)

  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    if (!name) return setRefused(true)
    setTyped('')
    onJoin(name)
  }
  const note = isRefused
    ? 'A name needs letters a–z or digits.'
    : name && name !== typed.trim()
      ? `Opens #${name}`
      : ''

  return (
    <form className="join" onSubmit={submit}>
      <label htmlFor={inputId}>Join or start a room</label>
      <div className="join-line">
        <input
          id={inputId}
          value={typed}
          placeholder="its name"
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          maxLength={60}
          aria-describedby={noteId}
          aria-invalid={isRefused}
          onChange={(event) => {
            setTyped(event.target.value)
            setRefused(false)
          }}
        />
        <button type="submit">Join</button>
      </div>
      <p id={noteId} className={`join-note${isRefused ? ' problem' : ''}`} aria-live="polite">
        {note}
      </p>
    </form>
  )
}
