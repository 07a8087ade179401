/**
 * The messages of one room in a box that scrolls.
 *
 * S1. A reader at the end stays at the end; any other reader's lines do not move, whatever arrives above or below.
 * S2. What arrived below is offered by a button, counted.
 */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react'
import type { Room, RoomStatus } from '../rooms/room.js'
import { useStore } from '../store.js'
import { DownIcon, WarningIcon } from './icons.js'
import { DayRow, GapRow, Message } from './message-rows.js'
import { rowsOf, type Row } from './rows.js'

/** This near to the end counts as at the end; this near to the start loads more. */
const END_PX = 40
const START_PX = 400

interface Props {
  room: Room
  me: string
}

export function Messages({ room, me }: Props) {
  const timeline = useStore(room.timeline)
  const status = useStore(room.status)
  const rows = useMemo(() => rowsOf(timeline, me), [timeline, me])
  const box = useRef<HTMLDivElement>(null)
  const { isAtEnd, unseen, toEnd } = useScroll(box, rows, me, room)

  const onEdit = useCallback((key: string) => room.edit(key), [room])
  const onRetry = useCallback((key: string) => room.resend(key), [room])
  const onDiscard = useCallback((key: string) => room.discard(key), [room])
  const actions = { onEdit, onRetry, onDiscard }

  return (
    <div className="messages">
      <div
        ref={box}
        className="messages-scroll"
        tabIndex={0}
        role="region"
        aria-label={`Messages in ${room.name}`}
      >
        {timeline.hasOlder ? (
          <Older room={room} />
        ) : (
          <Beginning room={room} status={status} isEmpty={rows.length === 0} />
        )}
        <ol className="message-list">
          {rows.map((row) => {
            if (row.kind === 'day') return <DayRow key={row.key} at={row.at} />
            if (row.kind === 'gap') return <GapRow key={row.key} />
            const { key, kind: _kind, ...message } = row
            return <Message key={key} messageKey={key} {...message} {...actions} />
          })}
        </ol>
      </div>
      {!isAtEnd && (
        <button type="button" className="to-end" onClick={toEnd}>
          <DownIcon />{' '}
          {unseen === 0 ? 'To the newest' : unseen === 1 ? '1 new message' : `${unseen} new messages`}
        </button>
      )}
    </div>
  )
}

function Older({ room }: { room: Room }) {
  const older = useStore(room.older)
  return (
    <div className="older">
      <button
        type="button"
        className="small"
        onClick={() => void room.loadOlder()}
        aria-disabled={older === 'loading'}
      >
        {older === 'loading' ? 'Loading earlier messages…' : 'Show earlier messages'}
      </button>
      {older === 'failed' && <span role="alert">They could not be read. Try again.</span>}
    </div>
  )
}

function Beginning({ room, status, isEmpty }: { room: Room; status: RoomStatus; isEmpty: boolean }) {
  if (status.kind === 'refused' || status.kind === 'unreadable') {
    const what = status.kind === 'refused' ? 'This room cannot be opened' : 'Its messages cannot be read'
    return (
      <div className="beginning" role="alert">
        <WarningIcon />
        <h2>{what}</h2>
        <p>The server says: {status.reason}.</p>
        <button type="button" onClick={() => room.tryAgain()}>
          Try again
        </button>
      </div>
    )
  }
  if (status.kind === 'opening' && isEmpty)
    return (
      <p className="beginning waiting" role="status">
        Opening #{room.name}…
        {status.isHeld && ' The messenger doesn’t answer right now. It is tried again by itself.'}
      </p>
    )
  return (
    <div className="beginning">
      <h2>This is the beginning of #{room.name}</h2>
      {isEmpty && <p>Nobody has written here yet. Say hello.</p>}
    </div>
  )
}

interface Before {
  firstKey: string | undefined
  lastKey: string | undefined
  height: number
  count: number
}

function useScroll(box: RefObject<HTMLDivElement | null>, rows: readonly Row[], me: string, room: Room) {
  const [isAtEnd, setAtEnd] = useState(true)
  const [unseen, setUnseen] = useState(0)
  const stick = useRef(true)
  const before = useRef<Before>({ firstKey: undefined, lastKey: undefined, height: 0, count: 0 })

  const toEnd = useCallback(() => {
    stick.current = true
    if (box.current) box.current.scrollTop = box.current.scrollHeight
    box.current?.focus({ preventScroll: true })
  }, [box])

  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const { firstKey, lastKey, height } = before.current
    const last = rows.at(-1)
    const isOwnNew =
      last?.kind === 'message' && last.isMine && last.key !== lastKey && last.delivery !== undefined
    if (isOwnNew) stick.current = true
    if (stick.current) element.scrollTop = element.scrollHeight
    else if (rows[0]?.key !== firstKey) element.scrollTop += element.scrollHeight - height
    if (!stick.current) setUnseen((count) => count + newAfter(rows, lastKey, me))
    before.current = {
      firstKey: rows[0]?.key,
      lastKey: last?.key,
      height: element.scrollHeight,
      count: rows.length,
    }
  }, [rows, box, me])

  useEffect(() => {
    const element = box.current
    if (!element) return
    const onScroll = (): void => {
      stick.current = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX
      setAtEnd(stick.current)
      if (stick.current) setUnseen(0)
      if (element.scrollTop < START_PX && element.scrollHeight > element.clientHeight) void room.loadOlder()
    }
    const onResize = new ResizeObserver(() => {
      if (stick.current) element.scrollTop = element.scrollHeight
    })
    element.addEventListener('scroll', onScroll, { passive: true })
    onResize.observe(element)
    return () => {
      element.removeEventListener('scroll', onScroll)
      onResize.disconnect()
    }
  }, [box, room])

  return { isAtEnd, unseen, toEnd }
}

function newAfter(rows: readonly Row[], lastKey: string | undefined, me: string): number {
  if (lastKey === undefined) return 0
  const index = rows.findLastIndex(({ key }) => key === lastKey)
  if (index === -1) return 0
  return rows.slice(index + 1).filter((row) => row.kind === 'message' && row.user !== me).length
}
