import type { Broker, BusMessage, BusSubscription } from '@natter/broker'
import type { ApiError } from '@natter/hooks'
import { UnavailableError } from '@natter/primitives'
import type { Peers } from '../presence/peers.js'
import { explain, SilentPeersError } from './refusal.js'
import type { UserRequest } from './user-requests.js'

const handRounds = 3

/** What one gateway did of it. */
export type Part = { connections: number } | { error: ApiError }

interface Question {
  from: string
  request: UserRequest
}

type Answer = { node: string } & Part

/** Some gateway could not, or won't: the worst of what they said. */
export class PartError extends Error {
  constructor(readonly error: ApiError) {
    super(error.message)
  }
}

/**
 * Does something on all gateways, this one included.
 *
 * W1. It resolves when each gateway that is there has done its part. One that doesn't answer in time: perhaps done.
 * W2. Each does what it can; that one of them could not is told when all have tried.
 * W3. It may be done twice, and does no harm then: who asks repeats until the answer is certain.
 * W4. Who hands it over doesn't wait for the others: they have been asked when it resolves, and those that don't answer are asked again.
 */
export class Everywhere {
  private listening: BusSubscription | undefined
  /** W4: what others have not answered yet. */
  private readonly handed = new Set<Promise<void>>()

  constructor(
    private readonly broker: Pick<Broker, 'bus' | 'subjects'>,
    private readonly peers: Pick<Peers, 'nodes'>,
    private readonly doHere: (request: UserRequest) => Promise<number>,
    private readonly options: {
      node: string
      timeoutMs: number
      /** W4: they never answered. */
      onUnheard?(request: UserRequest, nodes: readonly string[]): void
    },
  ) {}

  start(): void {
    const { bus, subjects } = this.broker
    this.listening = bus.subscribe(subjects.controlOfAll, (message) => void this.answer(message))
  }

  stop(): void {
    this.listening?.stop()
  }

  /** Resolves when all that was handed over was answered, or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.handed)
  }

  /** How many connections it concerned. @throws PartError, SilentPeersError, UnavailableError `nats-away`. */
  async run(request: UserRequest): Promise<number> {
    const waitingFor = new Set(this.peers.nodes)
    const [others, here] = await Promise.all([this.askOthers(request, waitingFor), this.here(request)])
    if (waitingFor.size > 0)
      throw new SilentPeersError(`No answer from ${[...waitingFor].join(', ')} in time`) // W1
    return sum([...others, here])
  }

  /**
   * W4.
   *
   * @throws PartError what this gateway could not; UnavailableError `nats-away` the others were not asked.
   */
  async hand(request: UserRequest): Promise<void> {
    const waitingFor = new Set(this.peers.nodes)
    const { bus } = this.broker
    const here = this.here(request)
    if (waitingFor.size > 0) {
      if (!bus.isConnected)
        throw new UnavailableError('nats-away', 'The other gateways can’t be asked now: try again')
      const heard = this.untilHeard(request, waitingFor).finally(() => this.handed.delete(heard))
      this.handed.add(heard)
      await bus.flush()
    }
    sum([await here])
  }

  private async untilHeard(request: UserRequest, waitingFor: Set<string>): Promise<void> {
    for (let round = 0; round < handRounds && waitingFor.size > 0; round += 1) {
      await this.askOthers(request, waitingFor).catch(() => {})
      for (const node of waitingFor) if (!this.peers.nodes.has(node)) waitingFor.delete(node)
    }
    if (waitingFor.size > 0) this.options.onUnheard?.(request, [...waitingFor])
  }

  private async askOthers(request: UserRequest, waitingFor: Set<string>): Promise<Part[]> {
    const parts: Part[] = []
    if (waitingFor.size === 0) return parts
    const { bus, subjects } = this.broker
    const question: Question = { from: this.options.node, request }
    await bus.ask(subjects.controlOfAll, encode(question), {
      timeoutMs: this.options.timeoutMs,
      onReply: (body) => {
        const answer = decode<Answer>(body)
        if (answer?.node !== undefined && waitingFor.delete(answer.node)) parts.push(answer as Answer)
        return waitingFor.size === 0
      },
    })
    return parts
  }

  private async answer(message: BusMessage): Promise<void> {
    const question = decode<Question>(message.body)
    if (question?.request === undefined || question.from === this.options.node) return
    const answer: Answer = { node: this.options.node, ...(await this.here(question.request)) }
    if (this.broker.bus.isConnected) message.respond(encode(answer))
  }

  private async here(request: UserRequest): Promise<Part> {
    try {
      return { connections: await this.doHere(request) }
    } catch (error) {
      return { error: explain(error).error }
    }
  }
}

const order: readonly ApiError['outcome'][] = ['unknown', 'refused', 'unavailable']

/** W2 */
function sum(parts: readonly Part[]): number {
  const errors = parts.flatMap((part) => ('error' in part ? [part.error] : []))
  const [worst] = errors.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
  if (worst !== undefined) throw new PartError(worst)
  return parts.reduce((count, part) => count + ('connections' in part ? part.connections : 0), 0)
}

function encode(value: Question | Answer): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

function decode<T>(body: Uint8Array): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
