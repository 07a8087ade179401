import type { Centrifuge, Subscription } from 'centrifuge'

declare global {
  interface Window {
    natter?: { readonly client: Centrifuge; readonly subscriptions: Record<string, Subscription> }
  }
}

/**
 * A debugging aid, in every build: in the browser's console `natter.client` is the SDK's client and
 * `natter.subscriptions['room:general']` one of its subscriptions, both to be read and listened to.
 */
export function exposeForDebugging(client: Centrifuge): void {
  window.natter = {
    client,
    get subscriptions() {
      return client.subscriptions()
    },
  }
}
