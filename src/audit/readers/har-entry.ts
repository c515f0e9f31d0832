import { shownPath } from '../../journal/path.ts'
import type { Need } from '../../monitors/index.ts'
import type { Exchange, Locator, Skipped } from '../exchange.ts'
import { requestBody, responseBody } from './har-body.ts'
import { subjectOf } from './har-subject.ts'
import { mayHide, type Tally } from './har-tally.ts'
import { timesOf } from './har-times.ts'
import { type Granted, grantedIn, type Presented, presentedIn, presentedToApi } from './har-tokens.ts'
import { destinationOf, offTheWire, statusOf } from './har-wire.ts'
import { authorizationOf, headersOf, retryAfterMs } from './headers.ts'
import { field, isObject, parsed, text } from './json-values.ts'
import type { ReadContext } from './reader.ts'
import { clockOffsetOf } from './server-clock.ts'

/** How many servers' clocks are remembered. */
const MAX_CLOCKS = 1_000
const CODE = /^[a-z][a-z_]{0,63}$/

/** The normal form of an entry. What it leaves out is noted in the tally. */
export function readEntry(
  entry: unknown,
  at: Locator,
  { target, fingerprints }: ReadContext,
  tally: Tally,
): Exchange | Skipped {
  const skipped = (why: string): Skipped => ({ kind: 'skipped', at, why })
  if (!isObject(entry)) return skipped('no entry')
  const sent = field(entry, 'request')
  const received = field(entry, 'response')
  const headers = headersOf(sent)
  tally.sensitive ||= ['authorization', 'cookie'].some((name) => headers.has(name))

  const destination = destinationOf(entry, target)
  if ('why' in destination) return skipped(destination.why)
  const { endpoint, method, url } = destination
  const unsent = offTheWire(entry, method, headers)
  if (unsent !== undefined) return skipped(unsent)
  const outcome = statusOf(entry)
  if ('why' in outcome) return skipped(outcome.why)
  const times = timesOf(entry)
  if ('why' in times) return skipped(times.why)
  const { status } = outcome

  tally.attached ||= [field(sent, 'postData'), field(received, 'content')].some(
    (holder) => text(field(holder, '_file')) !== undefined || text(field(holder, '_sha1')) !== undefined,
  )
  const answerHeaders = headersOf(received)
  const told = clockOffsetOf(answerHeaders, times)
  const clock = told ?? tally.clocks.get(url.origin)
  if (told !== undefined && (tally.clocks.size < MAX_CLOCKS || tally.clocks.has(url.origin)))
    tally.clocks.set(url.origin, told)

  const { scheme, token, hidden: schemeHidden = false } = authorizationOf(headers.get('authorization'))
  const body = requestBody(sent, method, headers)
  const presented =
    endpoint === 'api'
      ? { facts: presentedToApi(token, clock, fingerprints), hidden: scheme === 'Bearer' && token === undefined }
      : presentedIn(endpoint, body, clock, fingerprints)
  const failed = status !== 'dropped' && status >= 400
  const isGrant = (endpoint === 'create' || endpoint === 'refresh') && status !== 'dropped' && status < 300
  const answer = failed || isGrant ? responseBody(received) : undefined
  const granted = isGrant
    ? grantedIn(answer, presented.facts.refreshId, { times, clock }, fingerprints)
    : { facts: {}, hidden: false }
  const code = failed ? text(field(parsed(answer), 'code')) : undefined

  // Without an answer there is no `Date`: the first requests may be by a clock that is hours wrong.
  const isTimeless = clock === undefined && status === 'dropped'
  const facts = withExpiries(isTimeless ? timeless(presented.facts) : presented.facts, tally)
  noteExpiries(granted.facts, tally)
  if (facts.accessId !== undefined || facts.refreshId !== undefined || granted.facts.grantedAccessId !== undefined)
    tally.tokens++
  const isSilent = endpoint === 'api' && (schemeHidden || (scheme === 'none' && headers.size === 0))
  const tokensHidden = granted.hidden || (endpoint !== 'create' && presented.hidden) || isSilent
  if (tokensHidden) tally.tokensHidden++
  const isBare = endpoint === 'api' && scheme === 'none' && !isSilent
  if (isBare) tally.bare++
  if (facts.credentialsId !== undefined) tally.credentials++
  const credentialsHidden = endpoint === 'create' && presented.hidden
  if (credentialsHidden) tally.credentialsHidden++
  const hides: Need[] = []
  if (tokensHidden || (isBare && mayHide(tally))) hides.push('tokens')
  if (credentialsHidden) hides.push('credentials')

  return {
    kind: 'exchange',
    at,
    account: 'account' in presented ? presented.account : undefined,
    subject: subjectOf(url.origin, token, endpoint === 'api' ? [] : [body, isGrant ? answer : ''], fingerprints),
    ...times,
    request: {
      endpoint,
      method,
      path: shownPath(url.pathname),
      origin: url.origin,
      authScheme: scheme,
      ...facts,
      ...granted.facts,
      ...outcome,
      code: code !== undefined && CODE.test(code) ? code : undefined,
      retryAfterMs: failed ? retryAfterMs(answerHeaders, times.answered.latestMs) : undefined,
    },
    ...(clock === undefined ? {} : { expiryDoubtMs: clock.mostMs - clock.leastMs }),
    sameAs:
      endpoint === 'api' && body !== undefined
        ? fingerprints.body(method, url.origin + url.pathname + url.search, body)
        : undefined,
    ...(isSilent || (isBare && mayHide(tally)) ? { authHidden: true } : {}),
    ...(hides.length > 0 ? { hides } : {}),
  }
}

const timeless = ({ accessExpAtMs: _, refreshExpAtMs: __, ...rest }: Presented['facts']): Presented['facts'] => rest

/** How many tokens that were granted have their expiry remembered. */
const MAX_EXPIRIES = 10_000

function noteExpiries(granted: Granted['facts'], { expiries }: Tally): void {
  const note = (id: string | undefined, atMs: number | undefined) => {
    if (id === undefined || atMs === undefined) return
    expiries.set(id, atMs)
    if (expiries.size > MAX_EXPIRIES) expiries.delete(expiries.keys().next().value as string)
  }
  note(granted.grantedAccessId, granted.grantedAccessExpAtMs)
  note(granted.grantedRefreshId, granted.grantedRefreshExpAtMs)
}

/** A token expires when its grant said, or when it says itself, whichever is sooner. `D-lifetimes` */
function withExpiries(presented: Presented['facts'], { expiries }: Tally): Presented['facts'] {
  const soonest = (id: string | undefined, atMs: number | undefined) => {
    const grantedMs = id === undefined ? undefined : expiries.get(id)
    return grantedMs === undefined ? atMs : Math.min(grantedMs, atMs ?? grantedMs)
  }
  const accessExpAtMs = soonest(presented.accessId, presented.accessExpAtMs)
  const refreshExpAtMs = soonest(presented.refreshId, presented.refreshExpAtMs)
  return {
    ...presented,
    ...(accessExpAtMs !== undefined && { accessExpAtMs }),
    ...(refreshExpAtMs !== undefined && { refreshExpAtMs }),
  }
}
