import { type Clock, sleep } from '../../clock.ts'

/** How often a question is repeated, ms. */
const AGAIN_MS = 250

export interface Question<T> {
  /** Asks all tabs. */
  post(): void
  /** What has been heard so far. */
  answer(): T | undefined
  /** Is there still a tab that could answer? The locks know. */
  anybody(): Promise<boolean>
  /** How long to wait, ms. */
  boundMs: number
}

/** Asks other tabs something and waits, within bounds, as long as one of them could answer. */
export interface Asking {
  /** The answer, or why there is none. */
  ask<T>(question: Question<T>): Promise<{ answer: T } | 'nobody' | 'silent'>
  /** Something was heard: those who wait look whether it is an answer. */
  heard(): void
}

export function createAsking(clock: Clock): Asking {
  let hearing = new AbortController()
  return {
    async ask({ post, answer, anybody, boundMs }) {
      const giveUpAtMs = clock.monotonic() + boundMs
      for (;;) {
        const { signal } = hearing
        const found = answer()
        if (found !== undefined) return { answer: found }
        if (!(await anybody())) return 'nobody'
        if (clock.monotonic() >= giveUpAtMs) return 'silent'
        post()
        await sleep(clock, AGAIN_MS, signal)
      }
    },
    heard() {
      hearing.abort()
      hearing = new AbortController()
    },
  }
}
