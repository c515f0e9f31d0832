import type { AuthErrorCode } from '../errors.ts'
import { LONGEST_RETRY_AFTER_MS } from '../policy/limits.ts'
import {
  type AbortedLine,
  type AnsweredLine,
  type DemandedLine,
  type GapLine,
  JOURNAL,
  type JournalHeader,
  type OperatorLine,
  type SentLine,
  type SettledLine,
} from './format.ts'
import { shownPath } from './path.ts'
import { leavesSending } from './replacing.ts'

/** What a reader of journals makes of a line: nothing is taken over that was not looked at. */
export type DecodedLine =
  | { readonly kind: 'header'; readonly header: JournalHeader }
  | SentLine
  | AnsweredLine
  | DemandedLine
  | SettledLine
  | AbortedLine
  | OperatorLine
  | GapLine
  /** The outcome of a create or refresh is stored: the chart stopped sending. */
  | { readonly kind: 'stored'; readonly by: string; readonly atMs: number }
  /** For people, or of a kind that came later. */
  | { readonly kind: 'other' }
  /** No line of a journal; `why` in a few words. */
  | { readonly kind: 'broken'; readonly why: string }

type Fields = Readonly<Record<string, unknown>>

/** The end of the time that `Date` knows, ms. */
const LAST_MS = 8.64e15
const ENDPOINTS = ['create', 'refresh', 'validate', 'api'] as const
const SCHEMES = ['Bearer', 'Basic', 'Token', 'other', 'none'] as const
const ACTIONS = ['signIn', 'reset', 'signOut'] as const
const FOR_PEOPLE = ['{"kind":"transition"', '{"kind":"error"']

const OUT_OF_SENDING = '"from":"sending.'

const OTHER = { kind: 'other' } as const
const broken = (why: string) => ({ kind: 'broken', why }) as const

const time = (value: unknown, lastMs = LAST_MS) =>
  typeof value === 'number' && value >= 0 && value <= lastMs ? Math.round(value) : undefined
const count = (value: unknown) => (typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined)
const word = (value: unknown, pattern: RegExp) => (typeof value === 'string' && pattern.test(value) ? value : undefined)
/** Nothing longer and nothing else: a token that somebody wrote in place of its fingerprint is dropped here. */
const id = (value: unknown) => word(value, /^[0-9a-f]{1,40}$/)
const oneOf = <Name extends string>(value: unknown, names: readonly Name[]) => names.find((name) => name === value)

/** This package with its version; any other text is not repeated. */
const PRODUCER_NAME = /^compliancely-auth \d{1,4}\.\d{1,4}\.\d{1,4}(?:-[a-z]{1,10}(?:\.\d{1,4})?)?$/

/** Never throws. */
export function decodeLine(text: string): DecodedLine {
  if (FOR_PEOPLE.some((beginning) => text.startsWith(beginning)) && !text.includes(OUT_OF_SENDING)) return OTHER
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return broken('no JSON')
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return broken('no JSON object')
  const fields = line as Fields
  if (Object.hasOwn(fields, 'journal')) return decodeHeader(fields)
  const by = word(fields.by, /^[0-9a-f]{1,40}$/)
  if (by === undefined) return broken('does not say whose it is')
  const atMs = time(fields.atMs)
  if (atMs === undefined) return broken('a time that is none')
  return decodeMoment(fields, by, atMs) ?? broken(`a '${String(fields.kind).slice(0, 20)}' that lacks what it needs`)
}

function decodeHeader({
  journal,
  version,
  producer: wrote,
  startedAtMs,
  origin,
  account,
  client,
}: Fields): DecodedLine {
  const startMs = time(startedAtMs)
  const accountId = id(account)
  const clientId = word(client, /^[0-9a-f-]{1,40}$/)
  if (journal !== JOURNAL || typeof version !== 'number' || typeof wrote !== 'string' || typeof origin !== 'string')
    return broken('a header that is none')
  const producer = word(wrote, PRODUCER_NAME) ?? ''
  if (startMs === undefined || accountId === undefined || clientId === undefined || !URL.canParse(origin)) {
    // Whoever wrote a later version may have named things otherwise.
    const none = { startedAtMs: 0, origin: '', account: '', client: '' }
    return version > 1
      ? { kind: 'header', header: { journal, version, producer, ...none } }
      : broken('a header that is none')
  }
  const header = { journal: JOURNAL, version, producer, startedAtMs: startMs } as const
  return { kind: 'header', header: { ...header, origin: new URL(origin).origin, account: accountId, client: clientId } }
}

function decodeMoment(fields: Fields, by: string, atMs: number): DecodedLine | undefined {
  switch (fields.kind) {
    case 'sent':
      return decodeSent(fields, by, atMs)
    case 'answered':
      return decodeAnswered(fields, by, atMs)
    case 'transition':
      return leavesSending({ region: fields.region, from: fields.from, to: fields.to })
        ? { kind: 'stored', by, atMs }
        : OTHER
    case 'demanded': {
      const demand = count(fields.demand)
      const deadlineAtMs = time(fields.deadlineAtMs)
      if (demand === undefined || deadlineAtMs === undefined) return undefined
      return { kind: 'demanded', by, atMs, demand, deadlineAtMs, ...(fields.forced === true && { forced: true }) }
    }
    case 'settled': {
      const demand = count(fields.demand)
      const tookMs = time(fields.tookMs)
      if (demand === undefined || tookMs === undefined) return undefined
      const { code } = fields
      const given = code === null || typeof code === 'string' ? { code: code as AuthErrorCode | null } : {}
      const { accessId, accessExpAtMs } = fields
      return {
        kind: 'settled',
        by,
        atMs,
        demand,
        tookMs,
        accessId: id(accessId),
        accessExpAtMs: time(accessExpAtMs),
        ...given,
      }
    }
    case 'aborted': {
      const demand = count(fields.demand)
      return demand === undefined ? undefined : { kind: 'aborted', by, atMs, demand }
    }
    case 'operator': {
      const action = oneOf(fields.action, ACTIONS)
      return action && { kind: 'operator', by, atMs, action, credentialsId: id(fields.credentialsId) }
    }
    case 'gap':
      return { kind: 'gap', by, atMs, lines: count(fields.lines) ?? 1 }
    default:
      return OTHER
  }
}

function decodeSent(fields: Fields, by: string, atMs: number): SentLine | undefined {
  const send = count(fields.send)
  const endpoint = oneOf(fields.endpoint, ENDPOINTS)
  const method = word(fields.method, /^[A-Z]{1,20}$/)
  const path = typeof fields.path === 'string' ? shownPath(fields.path) : undefined
  const authScheme = oneOf(fields.authScheme, SCHEMES)
  if (send === undefined || !endpoint || !method || path === undefined || !authScheme) return undefined
  const origin =
    typeof fields.origin === 'string' && URL.canParse(fields.origin) ? new URL(fields.origin).origin : undefined
  return {
    ...{ kind: 'sent', by, atMs, send, endpoint, method, path, authScheme, origin },
    requestId: count(fields.requestId),
    accessId: id(fields.accessId),
    accessExpAtMs: time(fields.accessExpAtMs),
    refreshId: id(fields.refreshId),
    refreshExpAtMs: time(fields.refreshExpAtMs),
    credentialsId: id(fields.credentialsId),
  }
}

function decodeAnswered(fields: Fields, by: string, atMs: number): AnsweredLine | undefined {
  const send = count(fields.send)
  const status = fields.status === 'dropped' ? 'dropped' : count(fields.status)
  if (send === undefined || status === undefined) return undefined
  return {
    ...{ kind: 'answered', by, atMs, send, status },
    abandoned: fields.abandoned === true ? true : undefined,
    code: word(fields.code, /^[a-z][a-z_]{0,63}$/),
    retryAfterMs: time(fields.retryAfterMs, LONGEST_RETRY_AFTER_MS),
    grantedAccessId: id(fields.grantedAccessId),
    grantedAccessExpAtMs: time(fields.grantedAccessExpAtMs),
    grantedRefreshId: id(fields.grantedRefreshId),
    grantedRefreshExpAtMs: time(fields.grantedRefreshExpAtMs),
  }
}
