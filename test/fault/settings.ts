/** How large a run is and what it suffers. Every number is of the whole run. */

export interface Settings {
  seed: number
  publications: number
  /** With Postgres and persistence; without them a run needs less of its machine. */
  hasArchive: boolean
  durationMs: number
  gateways: number
  publishers: number
  subscribers: number
  /** Channels that live as long as the run. */
  channels: number
  /** Channels of one or two publications, opened while they are published: what happens at an opening shows nowhere else. */
  briefs: number
  /** Times a subscriber leaves a channel and comes back with its position. */
  churns: number
  /** Times that three subscribers stop reading while more comes than their gateways may hold for them. */
  stalls: number
  gatewayKills: number
  persistenceKills: number
  gatewayPauses: number
  persistencePauses: number
  /** Short ones, of NATS: nothing is lost by them, but everything waits. */
  natsPauses: number
  /** Short ones, of Postgres, with a kill of persistence in the middle. */
  postgresPauses: number
  /** Orderly ends of gateways. */
  gatewayRestarts: number
}

/** What CI runs: about a minute with the boots and the judgement. */
export const ciSettings: Settings = {
  seed: 1,
  publications: 2_000,
  hasArchive: true,
  durationMs: 32_000,
  gateways: 3,
  publishers: 10,
  subscribers: 40,
  channels: 8,
  briefs: 60,
  churns: 120,
  stalls: 2,
  gatewayKills: 9,
  persistenceKills: 4,
  gatewayPauses: 3,
  persistencePauses: 1,
  natsPauses: 3,
  postgresPauses: 2,
  gatewayRestarts: 2,
}

/** Each is 7 MB of publications, and the stream has to keep them all. */
const maxStalls = 20

/** The same strain for a longer time: what comes in numbers per run grows with it. */
export function longSettings(publications: number, minutes: number, seed: number): Settings {
  const durationMs = minutes * 60_000
  const factor = durationMs / ciSettings.durationMs
  const grown = Object.entries(ciSettings).map(([name, value]) => {
    const isPerRun = /^(briefs|churns|stalls)$|(Kills|Pauses|Restarts)$/.test(name)
    return [name, isPerRun ? Math.max(Number(value), Math.round(Number(value) * factor)) : value]
  })
  const settings = Object.fromEntries(grown) as unknown as Settings
  return { ...settings, stalls: Math.min(settings.stalls, maxStalls), publications, durationMs, seed }
}
