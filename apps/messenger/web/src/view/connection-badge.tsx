import type { Link } from '../mesh/connection.js'
import { hostOf, type Gateway } from '../mesh/gateway-rotation.js'
import { ConnectedShape, ConnectingShape, EndedShape, OfflineShape } from './icons.js'

interface Props {
  link: Link
  gateways: number
  onReconnect: () => void
}

/** The state of the connection, in words and in shape. Colour only repeats it. */
export function ConnectionBadge({ link, gateways, onReconnect }: Props) {
  const { title, detail } = wordsFor(link, gateways)
  return (
    <div className={`badge badge-${link.kind}`}>
      <ShapeFor kind={link.kind} />
      <p role="status" className="badge-words">
        <strong>{title}</strong> <span>{detail}</span>
      </p>
      {link.kind === 'ended' && (
        <button type="button" className="small" onClick={onReconnect}>
          Connect again
        </button>
      )}
    </div>
  )
}

function ShapeFor({ kind }: { kind: Link['kind'] }) {
  switch (kind) {
    case 'connected':
      return <ConnectedShape />
    case 'connecting':
      return <ConnectingShape />
    case 'offline':
      return <OfflineShape />
    case 'ended':
      return <EndedShape />
  }
}

function wordsFor(link: Link, gateways: number): { title: string; detail: string } {
  switch (link.kind) {
    case 'connected':
      return { title: 'Connected', detail: describe(link.gateway) }
    case 'offline':
      return { title: 'Offline', detail: 'this device has no network' }
    case 'ended':
      return { title: 'Disconnected', detail: `${link.reason} (${link.code})` }
    case 'connecting':
      return connectingWords(link, gateways)
  }
}

function connectingWords(
  { attempts, wasConnected, gateway }: Link & { kind: 'connecting' },
  gateways: number,
) {
  // A full round over the gateways without an answer: no longer a blink.
  if (attempts > gateways) return { title: 'No gateway answers', detail: 'trying again' }
  const where = gateway ? describe(gateway) : ''
  return { title: wasConnected ? 'Reconnecting' : 'Connecting', detail: where }
}

function describe(gateway: Gateway): string {
  return `gateway ${gateway.number} · ${hostOf(gateway)}`
}
