import { macrotask } from '../../src/clock.ts'

/** Of so many looks one goes through the event loop: there Node tells of rejections that nobody has handled. */
const LOOKS_A_TURN = 16

/** The next tick, seen from a promise: it comes when no promise has anything left to do. Elsewhere it comes before them. */
const tick = async () => {
  await undefined
  await new Promise<void>((resolve) => process.nextTick(resolve))
}

/**
 * Resolves when everything on this thread has settled. A turn of the event loop, which asks the system for news of
 * sockets and files, takes ten times as long as a tick, and here there are none.
 */
export function settling(): () => Promise<void> {
  let looks = 0
  return () => (++looks % LOOKS_A_TURN === 0 ? macrotask() : tick())
}
