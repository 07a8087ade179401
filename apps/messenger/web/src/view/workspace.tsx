import { useEffect, useState } from 'react'
import type { Connection } from '../mesh/connection.js'
import type { Room } from '../rooms/room.js'
import { FIRST_ROOM, RoomList } from '../rooms/room-list.js'
import { useStore } from '../store.js'
import { Announcer } from './announcer.js'
import { Composer } from './composer.js'
import { ConnectionBadge } from './connection-badge.js'
import { Drawer } from './drawer.js'
import { MenuIcon, PeopleIcon } from './icons.js'
import { Messages } from './messages.js'
import { PeoplePanel } from './people-panel.js'
import { RoomsPanel } from './rooms-panel.js'
import { useRooms } from './use-rooms.js'

interface Props {
  connection: Connection
  onSignOut: () => void
}

type OpenDrawer = 'rooms' | 'people' | undefined

export function Workspace({ connection, onSignOut }: Props) {
  const [rooms] = useState(() => new RoomList())
  const { current } = useStore(rooms.choice)
  const [drawer, setDrawer] = useState<OpenDrawer>(undefined)
  const link = useStore(connection.link)
  useRooms(connection, rooms)

  const room = current === undefined ? undefined : connection.room(current)
  const me = connection.session.user
  useEffect(() => {
    document.title = current ? `#${current} · Natter` : 'Natter messenger'
  }, [current])
  const isConnected = link.kind === 'connected'
  const panel = { connection, rooms, onSignOut }
  const people = { me, isConnected, gateways: connection.rotation.gateways }

  return (
    <div className="workspace">
      <aside className="side side-rooms">
        <RoomsPanel {...panel} />
      </aside>
      <main className="conversation">
        <header className="conversation-head">
          <button type="button" className="quiet show-rooms" onClick={() => setDrawer('rooms')}>
            <MenuIcon /> <span className="visually-hidden">Rooms</span>
          </button>
          <h1>{room ? `#${room.name}` : 'Natter'}</h1>
          <ConnectionBadge
            link={link}
            gateways={connection.rotation.gateways.length}
            onReconnect={() => connection.reconnect()}
          />
          {room && (
            <button type="button" className="small leave" onClick={() => rooms.leave(room.name)}>
              Leave<span className="visually-hidden"> #{room.name}</span>
            </button>
          )}
          {room && <PeopleButton room={room} onClick={() => setDrawer('people')} />}
        </header>
        {room ? (
          <>
            <Messages key={room.name} room={room} me={me} />
            <Announcer room={room} />
            <Composer key={`to ${room.name}`} room={room} isConnected={isConnected} />
          </>
        ) : (
          <NoRoom connection={connection} />
        )}
      </main>
      <aside className="side side-people">{room && <PeoplePanel room={room} {...people} />}</aside>
      {drawer === 'rooms' && (
        <Drawer label="Rooms" side="left" onClose={() => setDrawer(undefined)}>
          <RoomsPanel {...panel} onChosen={() => setDrawer(undefined)} />
        </Drawer>
      )}
      {drawer === 'people' && room && (
        <Drawer label="People here" side="right" onClose={() => setDrawer(undefined)}>
          <PeoplePanel room={room} {...people} />
        </Drawer>
      )}
    </div>
  )
}

function PeopleButton({ room, onClick }: { room: Room; onClick: () => void }) {
  const presence = useStore(room.people.people)
  return (
    <button type="button" className="quiet show-people" onClick={onClick}>
      <PeopleIcon />
      <span className="visually-hidden">People here: </span>
      {presence.kind === 'known' ? presence.people.length : '–'}
    </button>
  )
}

function NoRoom({ connection }: { connection: Connection }) {
  const listing = useStore(connection.listed.listing)
  const names = listing.kind === 'known' ? listing.rooms.slice(0, 3).map(({ name }) => name) : [FIRST_ROOM]
  return (
    <div className="no-room">
      <h2>You are in no room</h2>
      <p>Pick one to begin, or start your own.</p>
      <p className="no-room-links">
        {names.map((name) => (
          <a key={name} className="button" href={`#${name}`}>
            #{name}
          </a>
        ))}
      </p>
    </div>
  )
}
