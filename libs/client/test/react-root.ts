/** A React root without a browser: just so much of a document that components which show nothing can be mounted. */
import { act, StrictMode, createElement, type ReactNode } from 'react'

class Element {
  readonly nodeType = 1
  readonly nodeName = 'DIV'
  readonly tagName = 'DIV'
  readonly namespaceURI = 'http://www.w3.org/1999/xhtml'
  textContent = ''
  readonly ownerDocument = document
  addEventListener(): void {}
  removeEventListener(): void {}
}

class HTMLIFrameElement {}

const document = {
  nodeType: 9,
  activeElement: null,
  addEventListener(): void {},
  removeEventListener(): void {},
  get defaultView() {
    return view
  },
}

const view = { HTMLIFrameElement, event: undefined, document }

export interface TestRoot {
  render(node: ReactNode): Promise<void>
  unmount(): Promise<void>
}

/** Strict, as pages in development are: everything is mounted twice. */
export async function testRoot(): Promise<TestRoot> {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true, window: view })
  const { createRoot } = await import('react-dom/client')
  const root = createRoot(new Element() as unknown as Parameters<typeof createRoot>[0])
  return {
    render: (node) => act(async () => root.render(createElement(StrictMode, undefined, node))),
    unmount: () => act(async () => root.unmount()),
  }
}

export { act }
