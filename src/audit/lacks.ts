import type { Monitor, Need } from '../monitors/index.ts'
import type { Broken, Unlisted } from './docket.ts'
import type { Exchange, Recording } from './exchange.ts'
import type { Judged } from './judges.ts'

/** What recordings do not tell. */
export interface Lacks {
  /** Why this rule cannot be said to hold: what at least one of the recordings does not tell of what it needs. */
  of(monitor: Monitor): string | undefined
  /** What of it at least one of these files does not tell, or not of these `hides`. */
  missing(monitor: Monitor, by: Pick<Judged, 'files' | 'hides'>): readonly Missing[]
}

interface Missing {
  readonly need: Need
  /** Of some requests it is told. */
  readonly partly: boolean
  readonly why: string
}

const NEEDS: readonly Need[] = [
  ...(['demands', 'settlements', 'aborts', 'signOuts', 'outputs'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]

/** @param recordings asked once everything is read */
export function lacksOf(
  recordings: readonly { readonly file: string; readonly recording: Omit<Recording, 'batches'> }[],
): Lacks {
  const lacking = recordings.map(({ file, recording: { format, abilities } }) => {
    const { tells, tellsPartly = [], lacks } = abilities()
    const missing = NEEDS.filter((need) => !tells.includes(need))
    const why = (need: Need) => lacks[need] ?? `${format} does not tell it`
    return { file, tellsPartly, whyNot: new Map(missing.map((need) => [need, why(need)])) }
  })
  return {
    of: ({ needs }) => {
      for (const need of needs) for (const { whyNot } of lacking) if (whyNot.has(need)) return whyNot.get(need)
      return undefined
    },
    missing: ({ needs }, { files, hides }) =>
      lacking
        .filter(({ file }) => files.has(file))
        .flatMap(({ tellsPartly, whyNot }) =>
          needs.flatMap((need): Missing[] => {
            const why = whyNot.get(need)
            const partly = tellsPartly.includes(need)
            return why === undefined || (partly && !hides.has(need)) ? [] : [{ need, partly, why }]
          }),
        ),
  }
}

/** Rules that each request breaks by itself, whoever sent it. */
const OF_A_REQUEST = ['bearer-on-every-request', 'no-basic-auth', 'no-api-v1']
/** Rules of an account: who sent what matters to them. */
export const isWhose = ({ id }: Pick<Monitor, 'id'>) => !OF_A_REQUEST.includes(id)

/** A finding, and whose it is. */
export interface Founded {
  readonly broken: Broken
  readonly account: string | undefined
  /** Why whose it is was guessed, where that matters. */
  readonly guessed: string | undefined
  /** Why what is not in the recording might excuse it. */
  readonly lack: string | undefined
}

/** Rules that the requests break by themselves: whatever else there was, their tokens had expired or been used. */
const SHOWN_BY_ITSELF: Readonly<Record<string, (broken: Broken) => boolean>> = {
  'refresh-lives-24h': () => true,
  'invariant-5': () => true,
  'invariant-4': ({ offence }) => offence !== undefined && isExpired(offence),
}

const isExpired = ({ sent, request: { accessExpAtMs }, expiryDoubtMs = 0 }: Exchange) =>
  accessExpAtMs !== undefined && sent.earliestMs >= accessExpAtMs + expiryDoubtMs

/**
 * The findings of a rule that are founded: what judged them was told what the rule needs, at least in part. What was not told
 * might excuse those that do not show by themselves.
 */
export function evidenceOf(
  monitor: Monitor,
  judged: readonly Judged[],
  { lacks, inferred }: { readonly lacks: Lacks; readonly inferred: boolean },
): { listed: readonly Founded[]; unlisted: Unlisted } {
  const isShown = SHOWN_BY_ITSELF[monitor.id] ?? (() => false)
  const founded = judged.flatMap((each) => {
    const missing = lacks.missing(monitor, each)
    // Which sends are one request was guessed: that shows a fault, and never that there is none.
    const untold = missing.filter(({ need, partly }) => !partly && !(inferred && need === 'requestIds'))
    return untold.length > 0 ? [] : [{ ...each, lack: missing.find(({ partly }) => partly)?.why }]
  })
  const listed = founded
    .flatMap(({ listed, account, guessed, lack }) =>
      (listed.get(monitor.id) ?? []).map((broken) => ({
        ...{ broken, account, guessed: isWhose(monitor) ? guessed : undefined },
        lack: isShown(broken) ? undefined : lack,
      })),
    )
    .toSorted((a, b) => a.broken.finding.atMs - b.broken.finding.atMs)
  const beyond = founded.flatMap(({ unlisted, guessed, lack }) => {
    const { fail, inconclusive } = unlisted.get(monitor.id) ?? { fail: 0, inconclusive: 0 }
    // Of which nothing is kept that could show by itself.
    return lack !== undefined || (guessed !== undefined && isWhose(monitor))
      ? { fail: 0, inconclusive: fail + inconclusive }
      : { fail, inconclusive }
  })
  const sum = (of: (each: Unlisted) => number) => beyond.reduce((total, each) => total + of(each), 0)
  return { listed, unlisted: { fail: sum(({ fail }) => fail), inconclusive: sum((each) => each.inconclusive) } }
}
