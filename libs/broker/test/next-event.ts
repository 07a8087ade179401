import type { Broker, BrokerEvents } from '@natter/broker'

/** What the next event of this name tells. */
export function next<K extends keyof BrokerEvents>(broker: Broker, name: K): Promise<BrokerEvents[K]> {
  return new Promise((resolve) => {
    const off = broker.events.on(name, (event) => {
      off()
      resolve(event)
    })
  })
}
