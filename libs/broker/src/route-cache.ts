import type { Route } from './broker.js'
import { routeIn, type Topology } from './topology.js'
import type { Subjects } from './subjects.js'

/** Routes that are remembered: half a kilobyte each. */
const maxRoutes = 20_000

/** Where channels live, remembered: hashing and encoding a name costs more than the rest of handing a publication on. */
export class RouteCache {
  private topology: Topology | undefined
  private readonly routes = new Map<string, Route>()

  constructor(private readonly subjects: Subjects) {}

  /** By `topology`; another one forgets what the one before said. */
  route(topology: Topology, namespace: string, channel: string): Route {
    if (topology !== this.topology || this.routes.size >= maxRoutes) this.routes.clear()
    this.topology = topology
    const key = `${namespace}\n${channel}` // neither has control characters
    const known = this.routes.get(key)
    if (known !== undefined) return known
    const route = routeIn(topology, this.subjects, { cell: 0, namespace, name: channel })
    this.routes.set(key, route)
    return route
  }
}
