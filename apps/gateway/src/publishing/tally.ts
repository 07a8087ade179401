import type { GatewayEvents } from '../gateway.events.js'

type Outcome = GatewayEvents['publication:outcome']

/** Counts publications by namespace and outcome, to be read at a scrape: a labelled counter costs too much for each of them. */
export class Tally {
  private readonly counts = new Map<string, Map<Outcome['outcome'], number>>()

  add({ namespace, outcome }: Outcome): void {
    let ofNamespace = this.counts.get(namespace)
    if (ofNamespace === undefined)
      this.counts.set(namespace, (ofNamespace = new Map<Outcome['outcome'], number>()))
    ofNamespace.set(outcome, (ofNamespace.get(outcome) ?? 0) + 1)
  }

  get all(): { labels: Outcome; value: number }[] {
    return [...this.counts].flatMap(([namespace, ofNamespace]) =>
      [...ofNamespace].map(([outcome, value]) => ({ labels: { namespace, outcome }, value })),
    )
  }
}
