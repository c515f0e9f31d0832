/** Longest pause, back-off or wait that is believed, ms: the largest delay a plain timer takes (24.8 days). */
export const LONGEST_WAIT_MS = 2 ** 31 - 1
/** Longest lifetime that is believed, ms: 100 years, so that every deadline is still a date. */
export const LONGEST_LIFETIME_MS = 3_155_760_000_000
/** Longest `Retry-After` of a recording that is believed, ms: a year. */
export const LONGEST_RETRY_AFTER_MS = 31_536_000_000
