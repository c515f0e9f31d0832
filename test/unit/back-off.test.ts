import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backOffMs } from '../../src/policy/back-off.ts'
import { DEFAULT_POLICY as policy } from '../../src/policy/defaults.ts'

describe('D-back-off', () => {
  test('30 s doubling to 10 min', () => {
    const lengths = [0, 1, 2, 3, 4, 5, 6, 2000].map((step) => backOffMs(step, 0, policy))
    expect(lengths).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000, 600_000])
  })

  test('the draw lengthens it by up to a half', () => {
    expect(backOffMs(0, 0.5, policy)).toBe(37_500)
    expect(backOffMs(9, 1, policy)).toBe(900_000)
  })

  test('never shorter than without the draw, never longer than 1.5 times', () => {
    const random01 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: -3, max: 5000 }), random01, (step, random01) => {
        const plainMs = backOffMs(step, 0, policy)
        const drawnMs = backOffMs(step, random01, policy)
        expect(plainMs).toBeGreaterThanOrEqual(30_000)
        expect(drawnMs).toBeGreaterThanOrEqual(plainMs)
        expect(drawnMs).toBeLessThanOrEqual(plainMs * 1.5)
      }),
    )
  })
})
