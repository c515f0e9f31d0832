import { sleep, systemClock } from '../../../src/clock.ts'

const LOOK_MS = 10
const BOUND_MS = 15_000

/** Looks again and again until it is so; fails after some real seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const clock = systemClock()
  const giveUpAtMs = clock.monotonic() + BOUND_MS
  while (!(await condition())) {
    if (clock.monotonic() > giveUpAtMs) throw new Error(`never came true: ${condition}`)
    await sleep(clock, LOOK_MS)
  }
}
