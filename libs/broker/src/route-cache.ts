import type { Route } from './broker.js'
import { routeIn, type Topology } from './topology.js'
import type { Subjects } from './subjects.js'

/** Routes that are remembered: half a kilobyte each. */
const maxRoutes = 5_000

/** Where channels live, remembered: hashing and encoding a name costs more than the rest of handing a publication on. */
export class RouteCache {
  private topology: Topology | undefined
  /** By namespace, then by channel: a key made of both would be a new text for each look. */
  private readonly routes = new Map<string, Map<string, Route>>()
  private size = 0

  constructor(private readonly subjects: Subjects) {}

  /** By `topology`; another one forgets what the one before said. */
  route(topology: Topology, namespace: string, channel: string): Route {
    if (topology !== this.topology || this.size >= maxRoutes) this.forget()
    this.topology = topology
    let ofNamespace = this.routes.get(namespace)
    if (ofNamespace === undefined) this.routes.set(namespace, (ofNamespace = new Map<string, Route>()))
    const known = ofNamespace.get(channel)
    if (known !== undefined) return known
    const route = routeIn(topology, this.subjects, { cell: 0, namespace, name: channel })
    ofNamespace.set(channel, route)
    this.size += 1
    return route
  }

  private forget(): void {
    this.routes.clear()
    this.size = 0
  }
}
