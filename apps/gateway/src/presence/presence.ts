import { decodeMeta, encodeMeta, type Broker, type BusMessage, type BusSubscription } from '@natter/broker'
import type { Hub } from '@natter/hub'
import type { ClientInfo } from '@natter/protocol'
import type { Connection } from '../connection/connection.js'
import type { Subscription } from '../connection/subscription.js'
import type { JoinLeave } from './join-leave.js'
import type { Peers } from './peers.js'

/** What one answer may weigh: NATS takes a megabyte. Channels beyond that are answered in part. */
const maxAnswerBytes = 900_000

interface Answer {
  node: string
  /** One text of metadata per member: the form in which publisher infos travel. */
  members: string[]
}

/**
 * Who is in a channel, on all gateways. The truth about a socket is the memory of the node that holds it; so the node that
 * is asked asks the others, and waits until all it knows of have answered, at most `timeoutMs`.
 *
 * A gateway that died is not asked any more once its beats stopped; its members are gone with it.
 */
export class Presence {
  private listening: BusSubscription | undefined

  constructor(
    private readonly broker: Broker,
    private readonly hub: Hub<Connection, Subscription>,
    private readonly peers: Peers,
    private readonly joinLeave: JoinLeave,
    private readonly options: { node: string; askSubject: string; timeoutMs: number },
  ) {}

  start(): void {
    this.listening = this.broker.bus.subscribe(this.options.askSubject, (message) => this.answer(message))
  }

  stop(): void {
    this.listening?.stop()
  }

  /** By client id. Members whose gateway did not answer in time are missing. */
  async members(channel: string): Promise<Map<string, ClientInfo>> {
    const members = this.local(channel)
    const waitingFor = new Set(this.peers.nodes)
    if (waitingFor.size === 0 || !this.broker.bus.isConnected) return members
    await this.broker.bus.ask(this.options.askSubject, encode({ channel }), {
      timeoutMs: this.options.timeoutMs,
      onReply: (body) => {
        const answer = decode(body) as Answer | undefined
        for (const text of answer?.members ?? []) add(members, decodeMeta(text)?.info)
        waitingFor.delete(answer?.node ?? '')
        return waitingFor.size === 0
      },
    })
    return members
  }

  joined({ channel, namespace, info, features }: Subscription): void {
    if (features.pushesJoinLeave) this.joinLeave.listen(channel, namespace)
    if (namespace.emitsJoinLeave) this.joinLeave.tell(channel, namespace, 'join', info)
  }

  left({ channel, namespace, info, features }: Subscription): void {
    if (features.pushesJoinLeave) this.joinLeave.unlisten(channel)
    if (namespace.emitsJoinLeave) this.joinLeave.tell(channel, namespace, 'leave', info)
  }

  private local(channel: string): Map<string, ClientInfo> {
    const members = new Map<string, ClientInfo>()
    for (const subscription of this.hub.subscribers(channel).values()) {
      if (subscription.isPresent && subscription.namespace.hasPresence) add(members, subscription.info)
    }
    return members
  }

  private answer(message: BusMessage): void {
    const question = decode(message.body) as { channel?: unknown } | undefined
    if (typeof question?.channel !== 'string') return
    const answer: Answer = { node: this.options.node, members: [] }
    let bytes = 0
    for (const info of this.local(question.channel).values()) {
      const text = encodeMeta({ kind: 'json', info })
      bytes += text.length * 2 // it is escaped once more as a JSON text
      if (bytes > maxAnswerBytes) break
      answer.members.push(text)
    }
    message.respond(encode(answer))
  }
}

function add(members: Map<string, ClientInfo>, info: ClientInfo | undefined): void {
  if (info !== undefined) members.set(info.client, info)
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function decode(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}
