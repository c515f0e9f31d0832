import type { AuthError } from '../errors.ts'
import { abortedError, closedError, type Session } from './session.ts'
import type { LifecycleSnapshot } from './snapshot.ts'

/** How long somebody waits for something that is no token. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
  /** The error when the time is up. */
  readonly tooLong: () => AuthError
}

type Waits = Pick<Session, 'clock' | 'lifecycle' | 'timeline' | 'ended'>

/** Resolves with `begin`'s callback; rejects when the time is up, the caller aborts or the client closes. */
async function waited(
  { clock, ended }: Waits,
  { signal, timeoutMs, tooLong }: Patience,
  begin: (resolve: () => void) => () => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(abortedError())
  const close = () => reject(closedError())
  // Somebody waits for this: the process must not end before it is settled.
  const timer = clock.setTimeout(() => reject(tooLong()), timeoutMs, { keepsAlive: true })
  const end = begin(resolve)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  ended.addEventListener('abort', close, { once: true })
  try {
    await promise
  } finally {
    end()
    clock.clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    ended.removeEventListener('abort', close)
  }
}

/** Resolves when the chart is as asked. */
export async function until(
  session: Waits,
  reached: (snapshot: LifecycleSnapshot) => boolean,
  patience: Patience,
): Promise<void> {
  const { lifecycle } = session
  if (reached(lifecycle.snapshot())) return
  await waited(session, patience, (resolve) => {
    const subscription = lifecycle.subscribe((snapshot) => {
      if (reached(snapshot)) resolve()
    })
    return () => subscription.unsubscribe()
  })
}

/** Resolves when `work` has settled, however it ends. */
export async function settledOf(session: Waits, work: Promise<unknown>, patience: Patience): Promise<void> {
  await waited(session, patience, (resolve) => {
    work.then(
      () => resolve(),
      () => resolve(),
    )
    return () => {}
  })
}

/** Resolves at a moment on the timeline. */
export async function sleepUntil(session: Waits, atMs: number, patience: Patience): Promise<void> {
  const { clock, timeline } = session
  await waited(session, patience, (resolve) => {
    const timer = clock.setTimeout(resolve, Math.max(0, atMs - timeline.nowMs()), { keepsAlive: true })
    return () => clock.clearTimeout(timer)
  })
}

/** The record is read; or the store does not answer, which is answer enough: whoever goes on is told so. */
export const loaded = ({ state, gate }: LifecycleSnapshot) => state !== 'loading' || gate === 'backingOff'
/** Likewise, and nothing is in flight. */
export const idle = (snapshot: LifecycleSnapshot) => loaded(snapshot) && !snapshot.tags.has('busy')
