/** Times in the words of messages. */

/** Duration: `9 min 12 s`, `41.2 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(Math.max(0, ms))} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`
  const seconds = Math.ceil(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes >= 120) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
}

/** Time of day, UTC: `14:05:10Z`. */
export const timeOfDay = (wallMs: number) => `${new Date(wallMs).toISOString().slice(11, 19)}Z`
