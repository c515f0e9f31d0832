import { describe, expect, it } from 'vitest'
import {
  answered,
  api,
  at,
  create,
  demand,
  failedCreate,
  type Items,
  operator,
  refresh,
  sent,
} from '../unit/monitors/traces.ts'
import { asJournal, audited, rulesThat } from './renderings.ts'

/** Several processes of one account, a journal each. */
const failed = async (...processes: readonly Items[]) =>
  rulesThat('fail', await audited(...processes.map((items, index) => asJournal(items, { clientDigit: index + 1 }))))

describe('a token that another process was granted', () => {
  const granted = refresh(600, 2, { answeredAtMs: at(600.1) })
  const first = [create(0, 1), granted]

  it('replaces the one before when this process first sends it, and not when it was granted', async () => {
    expect(await failed(first, [api(10, 1), api(600.2, 1), api(601, 2)])).toEqual([])
  })

  it('at one instant, by the lines', async () => {
    expect(await failed(first, [api(10, 1), api(601, 1), api(601, 2)])).toEqual([])
    expect(await failed(first, [api(10, 1), api(601, 2), api(601, 1)])).toEqual(['invariant-4'])
  })

  it('replaces it for good', async () => {
    expect(await failed(first, [api(10, 1), api(601, 2), api(602, 1)])).toEqual(['invariant-4'])
  })
})

describe('D-sign-in: a password that this process did not have', () => {
  const others = [demand(20), create(20, 1)]
  const mistyped = failedCreate(10, 401, { credentialsId: 'mistyped' })
  const typed = (credentialsId: string) => [
    ...[operator(10, 'signIn', 'mistyped'), sent(mistyped), answered(mistyped)],
    ...[operator(100, 'signIn', credentialsId), create(100, 2, { credentialsId })],
  ]

  it('signs in anew, though another process was granted a pair for it', async () => {
    expect(await failed(typed('mine'), others)).toEqual([])
  })

  it('and one that it had does not', async () => {
    expect(await failed([create(0, 3), operator(100, 'signIn', 'mine'), create(100, 4)])).toEqual(['invariant-10'])
  })
})
