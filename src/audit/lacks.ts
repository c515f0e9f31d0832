import type { Monitor, Need } from '../monitors/index.ts'
import type { Broken, Unlisted } from './docket.ts'
import type { Recording } from './exchange.ts'
import type { Judged } from './judges.ts'

/** What recordings do not tell. */
export interface Lacks {
  /** Why this rule cannot be said to hold: what at least one of the recordings does not tell of what it needs. */
  of(monitor: Monitor): string | undefined
  /** What of it at least one of these files does not tell. */
  missing(monitor: Monitor, files: ReadonlySet<string>): readonly Need[]
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
    const { tells, lacks } = abilities()
    const missing = NEEDS.filter((need) => !tells.includes(need))
    return { file, whyNot: new Map(missing.map((need) => [need, lacks[need] ?? `${format} does not tell it`])) }
  })
  return {
    of: ({ needs }) => {
      for (const need of needs) for (const { whyNot } of lacking) if (whyNot.has(need)) return whyNot.get(need)
      return undefined
    },
    missing: ({ needs }, files) =>
      needs.filter((need) => lacking.some(({ file, whyNot }) => files.has(file) && whyNot.has(need))),
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
  /** Whose it is was guessed, and matters. */
  readonly guessed: boolean
}

/** The findings of a rule that are founded: what judged them was told all that the rule needs. */
export function evidenceOf(
  monitor: Monitor,
  judged: readonly Judged[],
  { lacks, inferred }: { readonly lacks: Lacks; readonly inferred: boolean },
): { listed: readonly Founded[]; unlisted: Unlisted } {
  const founded = judged.filter(({ files }) => {
    const missing = lacks.missing(monitor, files)
    // Which sends are one request was guessed: that shows a fault, and never that there is none.
    return missing.length === 0 || (inferred && missing.length === 1 && missing[0] === 'requestIds')
  })
  const listed = founded
    .flatMap(({ listed, account, guessed }) =>
      (listed.get(monitor.id) ?? []).map((broken) => ({ broken, account, guessed: guessed && isWhose(monitor) })),
    )
    .toSorted((a, b) => a.broken.finding.atMs - b.broken.finding.atMs)
  const beyond = founded.flatMap(({ unlisted, guessed }) => {
    const { fail, inconclusive } = unlisted.get(monitor.id) ?? { fail: 0, inconclusive: 0 }
    return guessed && isWhose(monitor) ? { fail: 0, inconclusive: fail + inconclusive } : { fail, inconclusive }
  })
  const sum = (of: (each: Unlisted) => number) => beyond.reduce((total, each) => total + of(each), 0)
  return { listed, unlisted: { fail: sum(({ fail }) => fail), inconclusive: sum((each) => each.inconclusive) } }
}
