import type { Exchange, Item } from './exchange.ts'

/** What was read of one file and went to one API. */
interface Part {
  readonly file: string
  readonly origin: string | undefined
  exchanges: number
  skipped: number
  fromMs: number
  toMs: number
  inferred: boolean
  authHidden: boolean
  accountGuessed: boolean
}

/**
 * Counts what is read, and finds out where the API is: on every origin that a token endpoint was called on, whenever that was,
 * or that a token was sent to which was granted there; or on every one where none was. Only at the end that is known.
 */
export interface Survey {
  see(item: Item): void
  /** Requests to this origin are judged. What has none always is: a log of one server seldom names it. */
  isOfApi(origin: string | undefined): boolean
  of(file: string): { readonly exchanges: number; readonly skipped: number }
  /** Of what is judged. */
  total(): Omit<Part, 'file' | 'origin' | 'skipped'>
  /** For the reader of the report: what was left out because it went to other hosts. */
  notes(): readonly string[]
}

/** Where it went, unless its recording says itself whose API that is: a journal's client is made for one. */
export const originOf = ({ request: { origin, configuredOrigin } }: Exchange) =>
  configuredOrigin === undefined ? origin : undefined

/** How many granted tokens are remembered: those of a day of thousands of accounts. */
const REMEMBERED = 50_000
/** How many hosts that are left out a note names. */
const NAMED = 3

/** @param allOrigins somebody has said which origins there are: every one that was read is of the API */
export function createSurvey({ allOrigins }: { readonly allOrigins: boolean }): Survey {
  const parts = new Map<string, Map<string | undefined, Part>>()
  const withTokens = new Set<string>()
  const granted = new Set<string>()
  // Mostly the same as before: then nothing is looked up.
  let latest: Part | undefined

  const partOf = (file: string, origin: string | undefined): Part => {
    if (latest?.file === file && latest.origin === origin) return latest
    const ofFile = parts.get(file) ?? new Map<string | undefined, Part>()
    const none = { exchanges: 0, skipped: 0, inferred: false, authHidden: false, accountGuessed: false }
    const bounds = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY }
    latest = ofFile.get(origin) ?? { file, origin, ...none, ...bounds }
    ofFile.set(origin, latest)
    parts.set(file, ofFile)
    return latest
  }
  const remember = (accessId: string) => {
    granted.add(accessId)
    if (granted.size > REMEMBERED) granted.delete(granted.values().next().value as string)
  }
  const all = () => [...parts.values()].flatMap((ofFile) => [...ofFile.values()])
  const isOfApi = (origin: string | undefined) =>
    allOrigins || origin === undefined || withTokens.size === 0 || withTokens.has(origin)
  const isJudged = ({ origin }: Part) => isOfApi(origin)
  const sum = (some: readonly Part[], name: 'exchanges' | 'skipped') => some.reduce((n, part) => n + part[name], 0)

  return {
    see(item) {
      const part = partOf(item.at.file, item.kind === 'exchange' ? originOf(item) : undefined)
      if (item.kind === 'skipped') part.skipped++
      if (item.kind !== 'exchange') return
      const { sent, answered, request, authHidden, accountGuessed, sameAs } = item
      part.exchanges++
      part.fromMs = Math.min(part.fromMs, sent.earliestMs)
      part.toMs = Math.max(part.toMs, answered.latestMs)
      part.authHidden ||= authHidden === true
      part.accountGuessed ||= accountGuessed === true
      part.inferred ||= sameAs !== undefined && request.requestId === undefined
      const { endpoint, origin, accessId, grantedAccessId } = request
      if (grantedAccessId !== undefined) remember(grantedAccessId)
      if (origin === undefined || withTokens.has(origin)) return
      if (endpoint !== 'api' || (accessId !== undefined && granted.has(accessId))) withTokens.add(origin)
    },
    isOfApi,
    of(file) {
      const read = [...(parts.get(file)?.values() ?? [])]
      const judged = sum(read.filter(isJudged), 'exchanges')
      return { exchanges: judged, skipped: sum(read, 'skipped') + sum(read, 'exchanges') - judged }
    },
    total() {
      const judged = all().filter(isJudged)
      return {
        exchanges: sum(judged, 'exchanges'),
        fromMs: judged.reduce((ms, { fromMs }) => Math.min(ms, fromMs), Number.POSITIVE_INFINITY),
        toMs: judged.reduce((ms, { toMs }) => Math.max(ms, toMs), Number.NEGATIVE_INFINITY),
        inferred: judged.some(({ inferred }) => inferred),
        authHidden: judged.some(({ authHidden }) => authHidden),
        accountGuessed: judged.some(({ accountGuessed }) => accountGuessed),
      }
    },
    notes() {
      const left = all().filter((part) => !isJudged(part))
      const [first, ...more] = new Set(left.map(({ origin }) => String(origin)))
      if (first === undefined) return []
      const named = [first, ...more.slice(0, NAMED - 1)].join(', ')
      const others = more.length < NAMED ? '' : ` and ${more.length + 1 - NAMED} more`
      const count = sum(left, 'exchanges')
      const were = count === 1 ? '1 request was' : `${count} requests were`
      return [`${were} left out: no token endpoint was called on ${named}${others}. --origin names the hosts to audit.`]
    },
  }
}
