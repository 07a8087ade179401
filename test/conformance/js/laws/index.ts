import type { Law } from '../world.js'
import { caches } from './caches.js'
import { connecting } from './connecting.js'
import { deltas } from './deltas.js'
import { filterLaws } from './filters.js'
import { initialState } from './initial-state.js'
import { publishing } from './publishing.js'
import { reading } from './reading.js'
import { recovering } from './recovering.js'
import { serverSubscriptions } from './server-subscriptions.js'
import { staying } from './staying.js'
import { subscribing } from './subscribing.js'
import { withApp } from './with-app.js'

export interface Chapter {
  readonly name: string
  readonly laws: readonly Law[]
  /** An app answers; until then the other chapters have run, which are about a mesh without. */
  readonly needsApp?: true
}

export const chapters: readonly Chapter[] = [
  { name: 'connecting', laws: connecting },
  { name: 'subscribing', laws: subscribing },
  { name: 'publishing', laws: publishing },
  { name: 'reading', laws: reading },
  { name: 'recovering', laws: recovering },
  { name: 'caches', laws: caches },
  { name: 'deltas', laws: deltas },
  { name: 'tags filters', laws: filterLaws },
  { name: 'initial state', laws: initialState },
  { name: 'server-side subscriptions', laws: serverSubscriptions },
  { name: 'staying connected', laws: staying },
  { name: 'with an app', laws: withApp, needsApp: true },
]
