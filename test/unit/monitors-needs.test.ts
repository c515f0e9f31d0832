import { describe, expect, test } from 'vitest'
import { createMonitors, judge, judging, type Moment, type Need } from '../../src/monitors/index.ts'
import { trace } from './monitors/traces.ts'
import { TWINS } from './monitors/twins.ts'

type Strip = (moment: Moment) => readonly Moment[]
const without =
  (...keys: readonly string[]): Strip =>
  (moment) => {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return [moment]
    const told = Object.entries(moment.request).filter(([key]) => !keys.includes(key))
    return [{ ...moment, request: Object.fromEntries(told) } as unknown as Moment]
  }
const but =
  (isTold: (moment: Moment) => boolean): Strip =>
  (moment) =>
    isTold(moment) ? [] : [moment]

/** What is left of a trace that does not tell this. */
const WITHOUT: Readonly<Record<Need, Strip>> = {
  demands: but(({ kind }) => kind === 'demanded'),
  settlements: but(({ kind }) => kind === 'settled'),
  aborts: (moment) => (moment.kind === 'aborted' ? [] : without('abandoned')(moment)),
  signOuts: but((moment) => moment.kind === 'operator' && moment.action === 'signOut'),
  outputs: but(({ kind }) => kind === 'shown'),
  origins: without('origin', 'configuredOrigin'),
  requestIds: without('requestId'),
  tokens: without(
    ...['accessId', 'accessExpAtMs', 'refreshId', 'refreshExpAtMs'],
    ...['grantedAccessId', 'grantedAccessExpAtMs', 'grantedRefreshId', 'grantedRefreshExpAtMs'],
  ),
  credentials: without('credentialsId'),
}
const NEEDS = Object.keys(WITHOUT) as Need[]

/** Who would judge otherwise without this, and may: why. */
const EXCUSED: Partial<Readonly<Record<Need, readonly string[]>>> = {
  // A wish for a new pair by name, and a sign-out, are excuses that traffic does not show: the auditor says so.
  demands: ['refresh-once', 'D-young-rejection', 'invariant-11'],
  signOuts: ['invariant-10', 'create-rarely', 'D-back-off'],
  // A trace that tells credentials and no tokens does not tell whose the requests with tokens are.
  tokens: ['invariant-7', 'invariant-9', 'create-rarely', 'D-back-off', 'D-create-4xx'],
}

// Named while the tests are collected, looked at in each test anew: so a mutant is noticed where it matters.
const NAMES = createMonitors().map(({ id }) => id)

describe('what a trace has to tell', () => {
  test.each(NAMES)('%s needs what it would judge otherwise without, and nothing else', (id) => {
    const monitors = createMonitors().filter((monitor) => monitor.id === id)
    const timesOf = (moments: readonly Moment[]) => judge(moments, monitors).map(({ atMs }) => atMs)
    const traces = TWINS.filter(({ monitor }) => monitor === id).flatMap(({ clean, twin }) => [
      trace(clean),
      trace(twin),
    ])
    const wanted = NEEDS.filter((need) =>
      traces.some((moments) => `${timesOf(moments.flatMap(WITHOUT[need]))}` !== `${timesOf(moments)}`),
    )
    const needs = monitors.flatMap((monitor) => monitor.needs)
    const excused = (need: Need) => EXCUSED[need]?.includes(id) === true
    expect(wanted).toEqual(expect.arrayContaining(needs))
    expect(wanted.filter((need) => !needs.includes(need) && !excused(need))).toEqual([])
  })

  test('is told by a trace that tells everything, so all can judge it', () => {
    expect(judging(createMonitors(), NEEDS)).toHaveLength(NAMES.length)
  })

  test.each(NEEDS)('%s: who needs it does not judge without it', (need) => {
    const told = NEEDS.filter((each) => each !== need)
    expect(judging(createMonitors(), told).filter(({ needs }) => needs.includes(need))).toEqual([])
    expect(judging(createMonitors(), told).length).toBeLessThan(NAMES.length)
  })
})
