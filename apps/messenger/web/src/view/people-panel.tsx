import type { Room } from '../rooms/room.js'
import { useStore } from '../store.js'
import { Avatar } from './avatar.js'

interface Props {
  room: Room
  me: string
  isConnected: boolean
}

/** Who is here, whichever gateway they are connected to. */
export function PeoplePanel({ room, me, isConnected }: Props) {
  const presence = useStore(room.people.people)
  if (presence.kind === 'unknown') {
    return (
      <section className="panel people" aria-label="People here">
        <h2>Here now</h2>
        <p className="hint">{isConnected ? 'Asking the gateways…' : 'Not connected.'}</p>
      </section>
    )
  }
  return (
    <section className="panel people" aria-label="People here">
      <h2>
        Here now <span className="count">{presence.people.length}</span>
      </h2>
      <ul>
        {presence.people.map(({ user, name, pages }) => (
          <li key={user} className="person">
            <Avatar user={user} name={name} />
            <span className="person-name">{name}</span>
            {user === me && <span className="you">you</span>}
            {pages > 1 && <span className="pages">{pages} pages</span>}
          </li>
        ))}
      </ul>
      <p className="hint">
        {isConnected ? 'Over all gateways.' : 'As it was before the connection was lost.'}
      </p>
    </section>
  )
}
