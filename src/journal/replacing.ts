/** Whether a step of the chart says that an outcome is stored: it stops sending. */
export const leavesSending = ({ region, from, to }: Readonly<Record<'region' | 'from' | 'to', unknown>>) =>
  region === 'tokens' && String(from).startsWith('sending.') && !String(to).startsWith('sending.')

/** How long a pair may be on its way to the store, ms: beyond it whoever goes on with the old one has forgotten the new one. */
const STORING_MS = 60_000

/**
 * A pair replaces the other once it is stored; until then the old token serves. That is when the chart stops sending, or, where
 * that line is missing, before the process first uses the new token. `replace-both`
 */
export interface Replacing {
  granted(accessId: string, atMs: number): void
  /** What was granted is stored. */
  stored(): void
  /** A token was given to a caller, or sent. */
  used(accessId: string): void
  /** Whether this token is the one that still serves. To be asked before it is `used`. */
  stillServes(accessId: string, atMs: number): boolean
}

/** For one process. */
export function createReplacing(): Replacing {
  let current: string | undefined
  let next: { readonly accessId: string; readonly untilMs: number } | undefined
  return {
    granted(accessId, atMs) {
      next = { accessId, untilMs: atMs + STORING_MS }
    },
    stored() {
      next = undefined
    },
    used(accessId) {
      if (next?.accessId === accessId) next = undefined
      if (next === undefined) current = accessId
    },
    stillServes: (accessId, atMs) => next !== undefined && accessId === current && atMs <= next.untilMs,
  }
}
