import type { ObservedRequest } from '../../monitors/index.ts'
import { type Fingerprints, isRedacted, isToken, tokenClaims } from './fingerprints.ts'
import { type Body, firstField } from './har-body.ts'
import type { Times } from './har-times.ts'
import { number } from './json-values.ts'
import type { ClockOffset } from './server-clock.ts'

/** Spellings of guide and reference; a reply that also repeats the old token calls the new one `new_…`. `D-wire-names` */
const ACCESS = ['new_access_token', 'access', 'access_token']
const REFRESH = ['new_refresh_token', 'refresh', 'refresh_token']

/** By so much the same lifetime may differ, counted from the send and by the server, ms. */
const ON_THE_WAY_MS = 5_000

type Told<Key extends keyof ObservedRequest> = Partial<Pick<ObservedRequest, Key>>

/** What a request tells of tokens and credentials, by fingerprint. */
export interface Presented {
  readonly account?: string | undefined
  readonly facts: Told<'accessId' | 'accessExpAtMs' | 'refreshId' | 'refreshExpAtMs' | 'credentialsId'>
  /** There was something to tell, and the recording does not hold it, or a placeholder. */
  readonly hidden: boolean
}

/** What an API request presents. */
export function presentedToApi(
  token: string | undefined,
  clock: ClockOffset | undefined,
  fingerprints: Fingerprints,
): Presented['facts'] {
  if (token === undefined) return {}
  return { accessId: fingerprints.token(token), accessExpAtMs: atTheClient(tokenClaims(token).expAtMs, clock) }
}

/** An `exp`, which is the server's time, by the clock of the recording: the earliest that it can be. */
const atTheClient = (atMs: number | undefined, { leastMs }: ClockOffset = { leastMs: 0, mostMs: 0 }) =>
  atMs === undefined ? undefined : atMs + leastMs

/** What the body of a token request presents. */
export function presentedIn(
  endpoint: 'create' | 'refresh' | 'validate',
  body: Body,
  clock: ClockOffset | undefined,
  fingerprints: Fingerprints,
): Presented {
  if (endpoint === 'create') {
    const username = firstField(body, ['username'])
    const password = firstField(body, ['password'])
    const hidden = body === undefined || [username, password].some(isPlaceholder)
    if (typeof username !== 'string' || isRedacted(username)) return { facts: {}, hidden }
    const account = fingerprints.account(username)
    if (typeof password !== 'string' || isRedacted(password)) return { account, facts: {}, hidden }
    return { account, facts: { credentialsId: fingerprints.credentials(username, password) }, hidden }
  }
  const token = firstField(body, endpoint === 'refresh' ? ['refresh', 'refresh_token'] : ['token'])
  if (!isToken(token)) return { facts: {}, hidden: body === undefined || isPlaceholder(token) }
  const { expAtMs: saidAtMs, type } = tokenClaims(token)
  const expAtMs = atTheClient(saidAtMs, clock)
  const id = fingerprints.token(token)
  if (endpoint === 'refresh') return { facts: { refreshId: id, refreshExpAtMs: expAtMs }, hidden: false }
  // A refresh token may be validated too; it is no access token then.
  return { facts: type === 'refresh' ? {} : { accessId: id, accessExpAtMs: expAtMs }, hidden: false }
}

const isPlaceholder = (value: unknown) => typeof value === 'string' && value !== '' && isRedacted(value)

/** What a successful answer to a create or refresh grants. */
export interface Granted {
  readonly facts: Told<'grantedAccessId' | 'grantedRefreshId' | 'grantedAccessExpAtMs' | 'grantedRefreshExpAtMs'>
  readonly hidden: boolean
}

/** @param sentRefreshId of the refresh token that was sent: one that comes back is none that was granted */
export function grantedIn(
  body: Body,
  sentRefreshId: string | undefined,
  { times, clock }: { readonly times: Times; readonly clock: ClockOffset | undefined },
  fingerprints: Fingerprints,
): Granted {
  const access = firstField(body, ACCESS)
  const refresh = firstField(body, REFRESH)
  const hidden = body === undefined || [access, refresh].some(isPlaceholder)
  if (!isToken(access)) return { facts: {}, hidden }
  const expiry = (token: string, name: string) => {
    const seconds = number(firstField(body, [name])) ?? 0
    // The doubt is that between the clocks: no less than how long the answer took.
    const fromMs = clock === undefined ? times.answered.latestMs : times.sent.earliestMs
    const saidAtMs = seconds > 0 && seconds < 1e9 ? fromMs + seconds * 1000 : undefined
    const ownAtMs = atTheClient(tokenClaims(token).expAtMs, clock)
    if (ownAtMs === undefined || saidAtMs === undefined) return ownAtMs ?? saidAtMs
    // Where they differ by more than the way of the answer, the sooner counts. `D-lifetimes`
    return saidAtMs < ownAtMs - ON_THE_WAY_MS ? saidAtMs : ownAtMs
  }
  const refreshId = isToken(refresh) ? fingerprints.token(refresh) : undefined
  const rotated = isToken(refresh) && refreshId !== sentRefreshId
  return {
    facts: {
      grantedAccessId: fingerprints.token(access),
      grantedAccessExpAtMs: expiry(access, 'access_expiry_seconds'),
      grantedRefreshId: rotated ? refreshId : undefined,
      grantedRefreshExpAtMs: rotated ? expiry(refresh, 'refresh_expiry_seconds') : undefined,
    },
    hidden,
  }
}
