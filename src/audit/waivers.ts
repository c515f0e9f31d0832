import * as z from 'zod/mini'
import type { AuditFinding } from './report.ts'

/** Something that is known and borne with, for a while. */
export interface Waiver {
  /** Id of the rule. */
  readonly rule: string
  /** Which findings: those whose request or file has this in it. Default: all of the rule, also that it cannot be judged. */
  readonly match?: string | undefined
  /** Why, for whoever reads the report. */
  readonly reason: string
  /** The last day, `2026-12-31`, UTC. */
  readonly expires: string
}

const DAY_MS = 86_400_000
const day = /^\d{4}-\d{2}-\d{2}$/
/** Blanks say nothing, and are in nearly everything. */
const text = (allowed: string) => z.string(allowed).check(z.regex(/\S/, allowed))
const waiver = z.strictObject(
  {
    rule: text('the id of a rule, such as invariant-3'),
    match: z.optional(text('a text that is not empty')),
    reason: text('why it is borne with, in a sentence'),
    expires: z.string('a day, such as 2026-12-31').check(z.regex(day, 'a day, such as 2026-12-31')),
  },
  'an object with rule, reason, expires and, if wanted, match',
)
const file = z.strictObject({ waivers: z.array(waiver, 'a list of waivers') }, 'an object with waivers')

/** The waivers cannot be used: which, and what is allowed. */
export class WaiverError extends Error {
  override readonly name = 'WaiverError'
}

/**
 * Reads waivers from JSON: `{ "waivers": [{ "rule", "reason", "expires", "match"? }] }`.
 *
 * @param rules ids that exist
 * @throws {WaiverError}
 */
export function parseWaivers(json: string, rules: readonly string[]): readonly Waiver[] {
  const parsed = file.safeParse(parse(json))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined || issue.path.length === 0 ? 'the file' : issue.path.join('.')
    if (issue?.code === 'unrecognized_keys') {
      const allowed = Object.keys((issue.path.length === 0 ? file : waiver).shape).join(', ')
      throw new WaiverError(`waivers: ${where} has an unknown key '${issue.keys[0]}'; allowed are ${allowed}`)
    }
    throw new WaiverError(`waivers: ${where} must be ${issue?.message ?? 'an object with waivers'}`)
  }
  for (const [index, { rule, expires }] of parsed.data.waivers.entries()) {
    if (!rules.includes(rule))
      throw new WaiverError(`waivers.${index}.rule is '${rule}', which is no rule: run explain`)
    if (!isDay(expires)) throw new WaiverError(`waivers.${index}.expires is '${expires}', which is no day`)
  }
  return parsed.data.waivers
}

/** `Date` takes 30 February for 2 March. */
function isDay(text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

function parse(json: string): unknown {
  try {
    // Some editors begin a file with a byte order mark.
    return JSON.parse(json.replace(/^\ufeff/, ''))
  } catch {
    throw new WaiverError('waivers: the file must be JSON')
  }
}

/** Waivers at work. */
export interface Waivers {
  /** What covers a finding. */
  coverOf(finding: AuditFinding): Cover | undefined
  /** What covers that a rule could not be judged: a waiver of the rule as a whole. */
  coverOfRule(rule: string): Cover | undefined
  /** What the reader has to know, once all is covered: expired ones, needless ones. */
  notes(): readonly string[]
}

export type Cover = Pick<Waiver, 'reason' | 'expires'>

export function createWaivers(waivers: readonly Waiver[], nowMs: number): Waivers {
  const used = new Set<Waiver>()
  const isOver = ({ expires }: Waiver) => Date.parse(expires) + DAY_MS <= nowMs
  const cover = (waiver: Waiver | undefined): Cover | undefined => {
    if (waiver === undefined) return undefined
    used.add(waiver)
    return { reason: waiver.reason, expires: waiver.expires }
  }
  return {
    coverOf: (finding) => cover(waivers.find((each) => covers(each, finding) && !isOver(each))),
    coverOfRule: (rule) =>
      cover(waivers.find((each) => each.rule === rule && each.match === undefined && !isOver(each))),
    notes: () =>
      waivers.flatMap((waiver) => {
        if (isOver(waiver)) return [`The waiver of ${waiver.rule} ended on ${waiver.expires} and covers nothing.`]
        return used.has(waiver)
          ? []
          : [`The waiver of ${waiver.rule} (until ${waiver.expires}) covers no finding: remove it.`]
      }),
  }
}

const covers = ({ rule, match }: Waiver, { rule: broken, offence, observed }: AuditFinding) =>
  rule === broken &&
  (match === undefined || [offence?.request, offence?.at.file, observed].some((text) => text?.includes(match)))
