import type { Clock } from '../clock.ts'

/** Rejects with the signal's reason once it is aborted; at once if it is already. */
function onAbort(signal: AbortSignal, stop: (reason: unknown) => void): () => void {
  const listener = () => stop(signal.reason)
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

/** Resolves after `ms` of the clock; with a signal, rejects with its reason when it is aborted first. */
export function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 && !signal?.aborted) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      release?.()
      resolve()
    }, ms)
    const release =
      signal &&
      onAbort(signal, (reason) => {
        clock.clearTimeout(timer)
        reject(reason)
      })
  })
}

/** Never resolves; rejects with the signal's reason when it is aborted. */
export function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => void (signal && onAbort(signal, reject)))
}
