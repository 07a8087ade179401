import { memo } from 'react'
import type { OwnMessage } from '../rooms/timeline.js'
import { Avatar } from './avatar.js'
import { ClockIcon, WarningIcon } from './icons.js'
import type { MessageRow } from './rows.js'

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

export function DayRow({ at }: { at: number }) {
  return (
    <li className="day">
      <span>{dayName(at)}</span>
    </li>
  )
}

export function GapRow() {
  return (
    <li className="gap">
      <WarningIcon />
      <span>
        The connection was away too long to prove that nothing is missing here. The newest messages were read
        again.
      </span>
    </li>
  )
}

interface Actions {
  onEdit: (key: string) => void
  onRetry: (key: string) => void
  onDiscard: (key: string) => void
}

interface Props extends Omit<MessageRow, 'kind' | 'key'>, Actions {
  messageKey: string
}

/** Memoised on plain values: a new message draws one row, not all of them. */
export const Message = memo(function Message(props: Props) {
  const { messageKey, user, name, text, at, isMine, startsGroup, delivery, ...actions } = props
  return (
    <li className={`message${startsGroup ? ' first' : ''}${delivery?.kind === 'refused' ? ' refused' : ''}`}>
      {startsGroup ? <Avatar user={user} name={name} /> : <Time at={at} className="gutter-time" />}
      <div className="message-body">
        {startsGroup ? (
          <p className="message-head">
            <strong>{name}</strong>
            {isMine && <span className="you">you</span>}
            <Time at={at} className="" />
          </p>
        ) : (
          <span className="visually-hidden">{name}: </span>
        )}
        <p className="message-text">
          <Linked text={text} />
        </p>
        {delivery && <Delivery delivery={delivery} messageKey={messageKey} {...actions} />}
      </div>
    </li>
  )
})

interface DeliveryProps extends Actions {
  delivery: OwnMessage['delivery']
  messageKey: string
}

/** The words of refusals and answers are told by the announcer. */
function Delivery({ delivery, messageKey, onEdit, onRetry, onDiscard }: DeliveryProps) {
  switch (delivery.kind) {
    case 'stored':
      return null
    case 'answered':
      return <Answer text={delivery.answer} onDismiss={() => onDiscard(messageKey)} />
    case 'refused':
      return (
        <div className="delivery-refused">
          <p>
            <WarningIcon /> <strong>Not sent.</strong> <span>{asSentence(delivery.reason)}</span>
          </p>
          <button type="button" className="small" onClick={() => onEdit(messageKey)}>
            Edit
          </button>
          <button type="button" className="small" onClick={() => onRetry(messageKey)}>
            Send again
          </button>
          <button type="button" className="small" onClick={() => onDiscard(messageKey)}>
            Discard
          </button>
        </div>
      )
    default:
      return (
        // By its kind: longer words are another mark in that place, not one that moves.
        <span key={delivery.kind} className={`delivery delivery-${delivery.kind}`}>
          <ClockIcon /> {delivery.kind === 'sending' ? 'Sending' : 'Waiting to be sent'}
        </span>
      )
  }
}

/** What the bot says, under the question. */
function Answer({ text, onDismiss }: { text: string; onDismiss: () => void }) {
  return (
    <div className="answer">
      <p className="answer-head">
        <strong>Bot</strong> <span>Only you see this, and your question.</span>
      </p>
      <p className="message-text">{text}</p>
      <button type="button" className="small" onClick={onDismiss}>
        Dismiss
      </button>
    </div>
  )
}

/** `permission denied` as a gateway says it, or a sentence as the messenger does. */
function asSentence(reason: string): string {
  const [first = ''] = reason
  return `${first.toUpperCase()}${reason.slice(first.length)}${/[.!?]$/.test(reason) ? '' : '.'}`
}

function Time({ at, className }: { at: number; className: string }) {
  if (at === 0) return <span className={className} />
  const date = new Date(at)
  return (
    <time className={className} dateTime={date.toISOString()} title={MOMENT.format(date)}>
      {TIME.format(date)}
    </time>
  )
}

/** The one thing that is marked up in a text: addresses of the web. */
function Linked({ text }: { text: string }) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/g).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      // eslint-disable-next-line react/no-array-index-key -- the parts of one text never move
      <a key={index} href={part} target="_blank" rel="noopener noreferrer">
        {part}
      </a>
    ),
  )
}

function dayName(at: number): string {
  const today = new Date()
  const yesterday = new Date(today)
  yesterday.setDate(today.getDate() - 1)
  const day = new Date(at)
  if (day.toDateString() === today.toDateString()) return 'Today'
  if (day.toDateString() === yesterday.toDateString()) return 'Yesterday'
  return DAY.format(day)
}
