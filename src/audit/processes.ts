import type { Monitor } from '../monitors/index.ts'
import type { AccountAudit } from './account.ts'
import type { Exchange, Happening } from './exchange.ts'

/** Rules that each process keeps by itself: it hears of what others do a little later. */
const OF_A_PROCESS = ['invariant-4', 'invariant-8', 'invariant-13', 'refresh-once', 'D-young-rejection', 'D-api-429']

export const isOfProcess = ({ id }: Monitor) => OF_A_PROCESS.includes(id)

/** How many grants are remembered: those of a day and more. */
const REMEMBERED = 1_000

/**
 * The processes of one account, where a recording tells them apart. What one was granted the others adopt when they first
 * send it.
 */
export interface Processes {
  see(item: Exchange | Happening, client: string): void
}

export function createProcesses(auditOf: (client: string) => AccountAudit): Processes {
  const grants = new Map<string, { order: number; grant: Exchange }>()
  /** The latest grant that each process knows. */
  const known = new Map<string, number>()
  let order = 0
  return {
    see(item, client) {
      const audit = auditOf(client)
      if (item.kind === 'exchange') {
        const { accessId, grantedAccessId } = item.request
        const adopted = accessId === undefined ? undefined : grants.get(accessId)
        if (adopted !== undefined && adopted.order > (known.get(client) ?? 0)) {
          known.set(client, adopted.order)
          audit.adopt(adopted.grant, item)
        }
        if (grantedAccessId !== undefined) {
          grants.set(grantedAccessId, { order: ++order, grant: item })
          known.set(client, order)
          if (grants.size > REMEMBERED) grants.delete(grants.keys().next().value as string)
        }
      }
      audit.see(item)
    },
  }
}
