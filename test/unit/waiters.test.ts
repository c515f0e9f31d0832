import { expect, it } from 'vitest'
import { createWaiters } from '../../src/client/waiters.ts'
import { AuthError } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/testing.ts'

it('D-budget: one who is short of time leaves after the step of the chart, which may serve others in it', async () => {
  const clock = virtualClock()
  const told: unknown[] = []
  const waiters = createWaiters(clock, clock.now, () => told.push(waiters.kinds(0)))
  const full = new AuthError('BUDGET_EXHAUSTED', 'full')
  const options = { minGeneration: 0, onTimeout: () => full, onAbort: () => full }
  const short = waiters.wait({ ...options, patience: 'plain', timeoutMs: 1_000 })
  const patient = waiters.wait({ ...options, patience: 'patient', timeoutMs: 90_000 })
  const retryAtMs = clock.now() + 60_000
  waiters.refuse(
    { type: 'refused', whom: 'shortOfTime', code: 'BUDGET_EXHAUSTED', clause: 'D-budget', retryAtMs },
    full,
  )
  waiters.serve({ access: new Secret('token'), generation: 1 })
  await expect(short).rejects.toBe(full)
  expect((await patient).generation).toBe(1)
  expect(told).toEqual([{ plain: false, patient: false, forced: false }])
})
