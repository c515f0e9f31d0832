import { refusedName } from './observer.ts'

const ASKED_BEFORE =
  'The client asks the same rule of the same facts, within the same instant, before it tells the chart of a rejection; ' +
  'the guard says no only to an embedder who tells it of every 401. `D-stale-401`, `D-young-rejection`'

/** What no path through the public client can take, and why; all of it is there for those who embed the chart. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'tokens.loading: operator.newCredentials #0':
    'The client asks a credentials callback anew only while a latch holds, and no latch is known before the record is ' +
    'read; an embedder may hear of new credentials at any time. `D-create-4xx`',
  [refusedName('tokens: token.rejected #0 [rejectionCounts]')]: ASKED_BEFORE,
  [refusedName('tokens.sending: token.rejected #0 [rejectionCounts]')]: ASKED_BEFORE,
}
