/** Milliseconds as seconds: `600 s`, `0.25 s`. */
export const seconds = (ms: number) => `${Number((ms / 1000).toFixed(3))} s`

/** A token's id, short enough to read. */
export const brief = (id: string | undefined) =>
  id === undefined ? 'unknown' : id.length > 12 ? `${id.slice(0, 8)}…` : id
