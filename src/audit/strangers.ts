import type { Exchange } from './exchange.ts'

/** Why what was taken for one account's traffic may be several's. */
export const STRANGERS =
  'There are tokens in the recording that no answer in it granted and that do not say for whom they are: they may be of several accounts, which were judged as one. Record from the sign-in on.'

/** Looks at requests that tell no account: whether those may be of several. */
export interface Strangers {
  see(exchange: Exchange): void
  /** More than one access token, or refresh token, came from nowhere: the one that a client began with, and another. */
  areSeveral(): boolean
}

/** How many tokens that were granted are remembered. */
const REMEMBERED = 10_000

export function createStrangers(): Strangers {
  const granted = new Set<string>()
  const strange: { access?: string; refresh?: string } = {}
  let several = false
  const grant = (id: string | undefined) => {
    if (id === undefined) return
    granted.add(id)
    if (granted.size > REMEMBERED) granted.delete(granted.values().next().value as string)
  }
  const present = (kind: keyof typeof strange, id: string | undefined) => {
    if (id === undefined || granted.has(id)) return
    strange[kind] ??= id
    several ||= strange[kind] !== id
  }
  return {
    see({ request: { accessId, refreshId, grantedAccessId, grantedRefreshId } }) {
      if (several) return
      present('access', accessId)
      present('refresh', refreshId)
      grant(grantedAccessId)
      grant(grantedRefreshId)
    },
    areSeveral: () => several,
  }
}
