import { duration } from '../../policy/words.ts'
import type { Locator } from '../exchange.ts'

/** Times that go back by less come of rounding, or of a clock that is kept right by small steps, ms. */
const BORNE_MS = 1_000

/** Where the clock of a process that writes its lines as they happen went back. */
export interface SetBacks {
  /** The next line of a process tells this time, and the one before told that. */
  see(atMs: number, beforeMs: number, at: Locator): void
  notes(): readonly string[]
}

export function createSetBacks(): SetBacks {
  let first: { readonly at: Locator; readonly byMs: number } | undefined
  let times = 0
  return {
    see(atMs, beforeMs, at) {
      const byMs = beforeMs - atMs
      if (byMs <= BORNE_MS) return
      first ??= { at, byMs }
      times++
    },
    notes() {
      if (first === undefined) return []
      const { at, byMs } = first
      const often = times === 1 ? '' : `, the first of ${times.toLocaleString('en-US')} times`
      return [
        `${at.file}: at line ${at.line} the clock of a process went back by ${duration(byMs)}${often}. Waits across that line are judged by the times that the lines tell, and may have been longer.`,
      ]
    },
  }
}
