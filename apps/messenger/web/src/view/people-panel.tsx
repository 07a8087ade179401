import type { Gateway } from '../mesh/gateway-rotation.js'
import type { People } from '../rooms/people.js'
import type { Room } from '../rooms/room.js'
import { useStore } from '../store.js'
import { Avatar } from './avatar.js'

interface Props {
  room: Room
  me: string
  isConnected: boolean
  /** All of them; the page can be opened on any. */
  gateways: readonly Gateway[]
}

/** Who is here, whichever gateway they are connected to. */
export function PeoplePanel({ room, me, isConnected, gateways }: Props) {
  const presence = useStore(room.people.people)
  const people = presence.kind === 'known' ? presence.people : []
  return (
    <section className="panel people" aria-label="People here">
      <h2>Here now {presence.kind === 'known' && <span className="count">{people.length}</span>}</h2>
      <p className="hint">{noteFor(presence.kind, isConnected)}</p>
      <ul>
        {people.map(({ user, name, pages }) => (
          <li key={user} className="person">
            <Avatar user={user} name={name} />
            <span className="person-name">{name}</span>
            {user === me && <span className="you">you</span>}
            {pages > 1 && (
              <span className="pages">
                ×{pages}
                <span className="visually-hidden"> open pages</span>
              </span>
            )}
          </li>
        ))}
      </ul>
      {gateways.length > 1 && <OtherPages room={room} gateways={gateways} />}
    </section>
  )
}

function noteFor(presence: People['kind'], isConnected: boolean): string {
  if (presence === 'unknown') return isConnected ? 'Asking the gateways…' : 'Not connected.'
  return isConnected ? 'Over all gateways.' : 'Not connected: as last seen.'
}

/** The quickest way to see two gateways at work: two pages side by side. */
function OtherPages({ room, gateways }: { room: Room; gateways: readonly Gateway[] }) {
  return (
    <div className="other-pages">
      <h2>Open another page</h2>
      <ul>
        {gateways.map(({ number }) => (
          <li key={number}>
            <a href={`?gateway=${number}#${room.name}`} target="_blank" rel="noopener">
              on gateway {number}
              <span className="visually-hidden"> (new tab)</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}
