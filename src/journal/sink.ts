import { type Clock, sleep } from '../clock.ts'

/** How many lines may wait for a slow stream. */
export const MAX_WAITING_LINES = 10_000
/** How long the end waits for those, ms. */
export const LONGEST_END_MS = 5_000

/** Puts lines into a stream that may be slow, may fail, and is somebody else's. */
export interface LineSink {
  /** Never waits and never throws. A line for which there is no room is left out, and the next says how many. */
  write(line: string): void
  /** Waits until everything is written, for at most {@link LONGEST_END_MS}, and gives the stream back, open. */
  close(): Promise<void>
}

/**
 * @param gap the line that says how many were left out
 * @param onFault the stream failed: nothing is written to it any more. Called once
 */
export function createLineSink(
  stream: WritableStream<string>,
  clock: Clock,
  gap: (lines: number) => string,
  onFault: (error: unknown) => void,
): LineSink {
  const writer = stream.getWriter()
  let over = false
  let waiting = 0
  let leftOut = 0
  let onEmpty = () => {}

  const put = (line: string) => {
    waiting++
    writer.write(line).then(written, failed)
  }
  const written = () => {
    waiting--
    if (waiting === 0) onEmpty()
  }
  const failed = (error: unknown) => {
    written()
    if (over) return
    over = true
    onFault(error)
  }

  return {
    write(line) {
      if (over) return
      if (waiting >= MAX_WAITING_LINES) {
        leftOut++
        return
      }
      if (leftOut > 0) put(gap(leftOut))
      leftOut = 0
      put(line)
    },
    async close() {
      if (!over && leftOut > 0) put(gap(leftOut))
      leftOut = 0
      const end = new AbortController()
      if (waiting > 0) {
        const empty = new Promise<void>((resolve) => {
          onEmpty = resolve
        })
        await Promise.race([empty, sleep(clock, LONGEST_END_MS, end.signal)])
      }
      end.abort()
      over = true
      writer.releaseLock()
    },
  }
}
