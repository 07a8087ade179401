import { useEffect, useRef } from 'react'
import type { Connection } from '../mesh/connection.js'
import type { RoomList } from '../rooms/room-list.js'
import { useStore } from '../store.js'

/** Keeps a subscription to each joined room, also to those not looked at, and leaves the others. */
export function useRooms(connection: Connection, rooms: RoomList): void {
  const { joined, current } = useStore(rooms.choice)
  const before = useRef(joined)

  useEffect(() => {
    for (const name of before.current) if (!joined.includes(name)) connection.leave(name)
    for (const name of joined) connection.room(name)
    before.current = joined
  }, [connection, joined])

  useEffect(
    () => (current === undefined ? undefined : connection.room(current).watch()),
    [connection, current],
  )
  useEffect(() => () => rooms.close(), [rooms])
}
