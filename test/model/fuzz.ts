import fc from 'fast-check'
import { type DrawnWorld, drawnWorld } from './fuzz-draw.ts'
import { live } from './fuzz-live.ts'

export interface FuzzOptions {
  readonly seed: number
  /** Stop after so many requests of the chart. */
  readonly sends: number
  readonly onProgress?: (progress: { readonly sends: number; readonly events: number }) => void
}

export interface FuzzReport {
  readonly seed: number
  readonly sends: number
  readonly events: number
  readonly worlds: number
  /** At most one: the first, with the smallest story that shows it. */
  readonly violations: readonly { readonly what: string; readonly story: readonly string[] }[]
}

const WORLDS_AT_ONCE = 50
/** Smaller stories that are tried of one that failed: each takes as long as a world. */
const SHRINKS = 400

/** Random worlds in continuous time, until enough was sent. One seed is one run. */
export async function fuzz({ seed, sends: enough, onProgress }: FuzzOptions): Promise<FuzzReport> {
  let sends = 0
  let events = 0
  let worlds = 0
  for (let batch = 0; sends < enough; batch++) {
    let triedSinceFailure: number | undefined
    const result = await fc.check(
      fc.asyncProperty(drawnWorld, async (world) => {
        if (triedSinceFailure !== undefined && triedSinceFailure++ >= SHRINKS) return true
        const lived = await live(world)
        sends += lived.sends
        events += lived.events
        worlds += 1
        if (lived.wrong.length === 0) return true
        triedSinceFailure ??= 0
        return false
      }),
      { seed: seed + batch * 7_919, numRuns: WORLDS_AT_ONCE },
    )
    if (result.failed) {
      const [world] = result.counterexample as [DrawnWorld]
      const { wrong, story } = await live(world)
      const what = wrong[0] ?? String(result.errorInstance)
      return { seed, sends, events, worlds, violations: [{ what, story }] }
    }
    onProgress?.({ sends, events })
  }
  return { seed, sends, events, worlds, violations: [] }
}
