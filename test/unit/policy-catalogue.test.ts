import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  CATALOGUE,
  CLAUSES,
  type ClauseId,
  DECISIONS,
  type DecisionId,
  INVARIANTS,
  isPolicyId,
  POLICY_IDS,
  policyEntry,
} from '../../src/policy/index.ts'

// Written from the policy itself, not from the catalogue: this list is what keeps the ids stable.
const clauses = {
  required: `bearer-on-every-request cache-tokens store-securely access-lives-1h refresh-lives-24h ten-per-minute
    pause-after-429 replace-both expired-access-refreshes both-expired-creates refresh-once no-endless-retry
    refresh-4xx-recreates no-retry-on-invalid-credentials reauth-failure-stops status-codes`,
  recommended: 'create-rarely refresh-before-expiry rotate-within-12h',
  optional: 'validate-optionally refresh-any-time',
  deprecated: 'no-basic-auth no-api-v1',
}
const decisions = `D-create-path D-wire-names D-lifetimes D-partial-refresh D-short-lifetimes D-skew D-origin D-credentials
  D-proactive D-jitter D-refresh-expired-first D-refresh-429 D-refresh-401 D-refresh-unavailable D-create-4xx
  D-create-unavailable D-back-off D-sign-in D-sign-out D-force
  D-stale-401 D-young-rejection D-failed-401 D-one-shot-body D-api-403 D-api-5xx D-api-429
  D-pause-length D-pause D-budget D-validate D-one-at-a-time D-store-down D-time-outs`
const headings = [
  'Authentication',
  'Validity',
  'Throttling',
  'Response codes and errors',
  'Initial Login / Token Creation',
  'Access Token Validation (Optional but Recommended)',
  'Proactive Token Refresh (Highly Recommended)',
  'What happens if tokens expire?',
  'Handling Failures',
]
const words = (text: string) => text.trim().split(/\s+/).sort()

describe('policy catalogue', () => {
  it.each(Object.entries(clauses))('holds every %s clause and no other', (strength, ids) => {
    const listed = CLAUSES.filter((clause) => clause.strength === strength).map(({ id }) => id)
    expect(listed.toSorted()).toEqual(words(ids))
  })

  it('holds every decision and no other', () => {
    expect(DECISIONS.map(({ id }) => id).toSorted()).toEqual(words(decisions))
  })

  it('has no id twice', () => {
    expect(new Set(POLICY_IDS).size).toBe(POLICY_IDS.length)
    expect(POLICY_IDS).toHaveLength(CLAUSES.length + DECISIONS.length)
  })

  it.each(CATALOGUE)('$id says what it asks in one sentence and where it comes from', ({ kind, section, summary }) => {
    expect(summary).toMatch(/^[A-Z`].*[^.]\.$/)
    expect(summary).not.toContain('. ')
    if (kind === 'clause') expect(headings).toContain(section)
    else expect(section).toMatch(/^[A-Z].*\?$/)
  })

  it('finds an entry by its id', () => {
    expect(policyEntry('pause-after-429')).toMatchObject({
      kind: 'clause',
      strength: 'required',
      section: 'Throttling',
    })
    expect(policyEntry('D-pause')).toMatchObject({ kind: 'decision' })
    expect(policyEntry('D-nothing')).toBeUndefined()
    expect([isPolicyId('D-pause'), isPolicyId('toString')]).toEqual([true, false])
  })

  it('types its ids as literals', () => {
    expectTypeOf<'pause-after-429'>().toExtend<ClauseId>()
    expectTypeOf<'D-pause'>().toExtend<DecisionId>()
    expectTypeOf<'D-pause'>().not.toExtend<ClauseId>()
    expectTypeOf<string>().not.toExtend<DecisionId>()
  })

  it('holds the fourteen invariants, each derived from known ids', () => {
    expect(INVARIANTS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
    for (const { ids } of INVARIANTS) for (const id of ids) expect(isPolicyId(id), id).toBe(true)
  })
})
