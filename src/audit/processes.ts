import type { Monitor } from '../monitors/index.ts'
import type { AccountAudit } from './account.ts'
import type { Exchange } from './exchange.ts'
import type { Sighting, Sightings } from './readings.ts'

/** Rules that each process keeps by itself: it hears of what others do a little later. */
const OF_A_PROCESS = [
  'invariant-4',
  'invariant-6',
  'invariant-8',
  'invariant-13',
  'refresh-once',
  'D-young-rejection',
  'D-api-429',
]

export const isOfProcess = ({ id }: Monitor) => OF_A_PROCESS.includes(id)

/** How many grants are remembered: those of a day and more. */
const REMEMBERED = 1_000

/**
 * The processes of one account, where a recording tells them apart. What one was granted the others adopt when they first
 * send it.
 */
export interface Processes {
  /** To be called before the request is seen: the process may use what another one was granted. */
  adopt(request: Exchange, client: string): void
  see(sighting: Sighting, client: string): void
}

export function createProcesses(sightings: Sightings, auditOf: (client: string) => AccountAudit): Processes {
  const grants = new Map<string, { order: number; grant: Exchange }>()
  /** The latest grant that each process knows. */
  const known = new Map<string, number>()
  let order = 0
  return {
    adopt(exchange, client) {
      const { accessId, grantedAccessId } = exchange.request
      const adopted = accessId === undefined ? undefined : grants.get(accessId)
      if (adopted !== undefined && adopted.order > (known.get(client) ?? 0)) {
        known.set(client, adopted.order)
        auditOf(client).see(sightings.adopted(adopted.grant, exchange))
      }
      if (grantedAccessId === undefined) return
      grants.set(grantedAccessId, { order: ++order, grant: exchange })
      known.set(client, order)
      if (grants.size > REMEMBERED) grants.delete(grants.keys().next().value as string)
    },
    see: (sighting, client) => auditOf(client).see(sighting),
  }
}
