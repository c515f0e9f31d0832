import type { Need } from '../../monitors/index.ts'
import type { Abilities } from '../exchange.ts'
import type { ClockOffset } from './server-clock.ts'

/** What was seen and what was missing, over all entries of a HAR. */
export interface Tally {
  producer: string | undefined
  /** Authorization or a cookie was seen: the recording shows what is sensitive. */
  sensitive: boolean
  /** Tokens that were seen, and requests or answers whose tokens are not in the recording. */
  tokens: number
  tokensHidden: number
  /** API requests without Authorization: hidden, unless something sensitive shows later. */
  bare: number
  credentials: number
  credentialsHidden: number
  /** Bodies lie in files beside the recording. */
  attached: boolean
  /** By origin, of its latest answer that told it: for those that do not. */
  readonly clocks: Map<string, ClockOffset>
  /** By fingerprint of a token that was granted, when it expires, ms: what it says of itself may be more, or nothing. */
  readonly expiries: Map<string, number>
}

export const createTally = (): Tally => ({
  producer: undefined,
  sensitive: false,
  tokens: 0,
  tokensHidden: 0,
  bare: 0,
  credentials: 0,
  credentialsHidden: 0,
  attached: false,
  clocks: new Map(),
  expiries: new Map(),
})

/** Chromium's DevTools call themselves so, and Safari's much alike. */
const isDevTools = (producer: string | undefined) =>
  producer === undefined || /web\s?inspector|devtools/i.test(producer)

/** A request without Authorization may have had one: this recording shows nothing sensitive, or not yet. */
export const mayHide = ({ producer, sensitive }: Tally) => !sensitive && isDevTools(producer)

const TRAFFIC = 'traffic does not show who asked the client for what; the journal of the client does'
const LACKS: Readonly<Partial<Record<Need, string>>> = {
  demands: TRAFFIC,
  settlements: TRAFFIC,
  aborts: 'traffic does not show for sure who ended a connection; the journal of the client does',
  signOuts: 'traffic does not show a sign-out; the journal of the client does',
  outputs: 'traffic does not show what the client prints; the journal of the client does',
  origins: 'a HAR does not say which origin the client is configured for',
  requestIds: 'a HAR does not say which requests are one, sent again; it is inferred from method, URL and body',
}

/** What a HAR with these entries can show. */
export function abilitiesOf(tally: Tally): Abilities {
  const tokensHidden = tally.tokensHidden + (mayHide(tally) ? tally.bare : 0)
  const shown: Need[] = []
  if (tally.tokens > 0) shown.push('tokens')
  if (tally.credentials > 0) shown.push('credentials')
  const hidden: Need[] = []
  if (tokensHidden > 0) hidden.push('tokens')
  if (tally.credentialsHidden > 0) hidden.push('credentials')
  const told = shown.filter((need) => !hidden.includes(need))
  return {
    tells: told,
    tellsPartly: shown.filter((need) => hidden.includes(need)),
    lacks: {
      ...LACKS,
      ...(told.includes('tokens') ? {} : { tokens: why(tally, tokensHidden, 'token') }),
      ...(told.includes('credentials')
        ? {}
        : { credentials: why(tally, tally.credentialsHidden, 'user name and password') }),
    },
  }
}

function why(tally: Tally, hidden: number, what: string): string {
  if (hidden === 0) return `no ${what} was sent in the recording`
  const times = `${hidden} ${hidden === 1 ? 'request' : 'requests'} without the ${what}`
  if (tally.attached)
    return `${times}: bodies lie in files beside the recording; record with the bodies in it (content: 'embed')`
  if (mayHide(tally))
    return `${times}: the recording was made without sensitive data; switch on 'Allow to generate HAR with sensitive data' in DevTools and export it 'with sensitive data'`
  return `${times}: the recording leaves them out; record headers and bodies in full, without redaction`
}
